use crate::matrix::tests::{data, expected, fixture, open, read_all};
use crate::matrix::{Frame, Matrix, Rows};
use crate::stage::error::classify;

fn texts<'a>(frame: &'a Frame, column: &str) -> Vec<Option<std::borrow::Cow<'a, str>>> {
    let column = frame.column(column).unwrap_or_else(|| panic!("no column {column}"));
    (0..column.len()).map(|i| column.text(i)).collect()
}

/// What `anndata.read_h5ad` shows of the same file.
#[test]
fn compound_tables_keep_every_type() {
    let matrix = open(&fixture("compound_columns.h5ad"), None).unwrap();
    assert_eq!(matrix.source, "raw.X");
    let cells = &matrix.cells;
    assert_eq!(texts(cells, "type"), [Some("T cell".into()), None, Some("B cell".into())]);
    // `uns/n_categories` names two: numbers beyond them are no codes.
    assert_eq!(texts(cells, "n"), [Some("-300".into()), Some("7".into()), Some("0".into())]);
    assert_eq!(texts(cells, "score"), [Some("0.5".into()), None, Some("-2".into())]);
    assert_eq!(texts(cells, "good"), [Some("True".into()), Some("False".into()), Some("True".into())]);
    assert_eq!(texts(cells, "note"), [Some("é".into()), Some("".into()), Some("a b".into())]);
    assert_eq!(cells.skipped, [("pair".to_owned(), "of a type of its own".to_owned())]);
    assert_eq!(texts(&matrix.genes, "kind")[..2], [Some("even".into()), Some("odd".into())]);
}

/// Values from `anndata.read_h5ad`.
#[test]
fn tables_of_old_files_are_those_anndata_reads() {
    let Some(data) = data() else { return };
    let first = |name: &str, column: &str| {
        let matrix = open(&data.join("odd").join(name), Some("X")).unwrap();
        texts(&matrix.cells, column)[0].as_deref().map(str::to_owned)
    };
    for (name, column, expected) in [
        ("anndata_v0.5.0.h5ad", "bulk_labels", Some("CD14+ Monocyte")),
        ("anndata_v0.5.0.h5ad", "n_genes", Some("1003")),
        ("anndata_v0.5.0.h5ad", "phase", Some("G1")),
        ("anndata_v0.5.0.h5ad", "louvain", Some("1")),
        ("csc_X_scelvis_dummy.h5ad", "cluster", Some("A")),
        ("csc_X_scelvis_dummy.h5ad", "sample", Some("1")),
        ("cellxgene_nan.h5ad", "percent_mito", None),
        ("cellxgene_nan.h5ad", "louvain", Some("CD4 T cells")),
        ("anndata_v0.7.0.h5ad", "obs_cat", Some("S")),
        ("anndata_v0.7.0.h5ad", "uint8", Some("226")),
        ("anndata_v0.7.8.h5ad", "cat_ordered", Some("M")),
        ("anndataR_example.h5ad", "IntNA", None),
        ("anndataR_example.h5ad", "Bool", Some("False")),
    ] {
        assert_eq!(first(name, column).as_deref(), expected, "{name}: {column}");
    }
}

/// A sum that tells where every count stands: the count times its row and its column, both from 1.
fn placed(rows: &Rows) -> f64 {
    let row = |cell: usize| -> f64 {
        let (genes, values) = rows.row(cell);
        genes.iter().zip(values).map(|(&gene, &value)| f64::from(gene + 1) * f64::from(value)).sum()
    };
    (0..rows.len()).map(|cell| row(cell) * (cell + 1) as f64).sum()
}

/// Shapes, names and sums from scanpy 1.11 (`read_10x_h5`), anndata 0.12 and h5py.
#[test]
fn counts_of_other_tools_files_stand_where_their_own_readers_find_them() {
    let Some(data) = data() else { return };
    for (name, source, shape, sum, placed_sum, cell, gene) in [
        (
            "10x_v2_filtered_gene_bc_matrices.h5",
            "hg19_chr21",
            (12, 343),
            12.0,
            15_384.0,
            "AACACGTGTACGCTGC-1",
            "DSCAM",
        ),
        (
            "10x_v2_heart_1k_real.h5",
            "mm10",
            (712, 31_053),
            5_851_495.0,
            35_278_830_583_307.0,
            "AAAGATGAGATATGGT-1",
            "ENSMUSG00000051951",
        ),
        (
            "10x_v3_filtered_feature_bc_matrix.h5",
            "matrix",
            (1_107, 507),
            41_549.0,
            7_376_015_539.0,
            "AAACCCAAGGAGAGTA-1",
            "ENSG00000279493",
        ),
        (
            "scenic_mouseBrain_toy.loom",
            "matrix",
            (200, 862),
            126_583.0,
            5_786_312_570.0,
            "1772066100_D04",
            "Arhgap18",
        ),
        ("anndata_v0.7.0.h5ad", "X", (30, 20), 285.0, 45_616.0, "cell0", "gene0"),
        ("anndataR_example.h5ad", "layers/counts", (50, 100), 9_805.0, 12_628_867.0, "Cell000", "Gene000"),
        ("cellxgene_schema_valid.h5ad", "raw/X", (2, 7), 49.0, 392.0, "X", "ENSG00000127603"),
        (
            "teaseq_rna_adt.h5mu",
            "mod/rna/X",
            (1_262, 9_855),
            2_673_176.0,
            9_395_582_439_121.0,
            "AAACAGCCAGCAACCT",
            "LINC01409",
        ),
    ] {
        let (matrix, rows) = read_all(&data.join("odd").join(name)).unwrap();
        assert_eq!(matrix.source, source, "{name}");
        assert_eq!((matrix.n_cells(), matrix.n_genes()), shape, "{name}");
        let total: f64 = rows.data.iter().map(|&value| f64::from(value)).sum();
        assert_eq!((total, placed(&rows)), (sum, placed_sum), "{name}");
        assert_eq!((matrix.cells.index[0].as_str(), matrix.genes.index[0].as_str()), (cell, gene), "{name}");
    }
}

fn modality(matrix: &mut Matrix, name: &str) -> (Vec<String>, Rows) {
    let n = matrix.n_cells();
    let at = matrix.modalities.iter().position(|modality| modality.name == name).unwrap();
    (matrix.modalities[at].features.index.clone(), matrix.read_modality(at, 0..n).unwrap())
}

#[test]
fn features_that_are_no_genes_are_modalities() {
    let (mut matrix, rows) = read_all(&fixture("tenx_v3_mixed.h5")).unwrap();
    assert_eq!(rows, expected());
    let (names, rows) = modality(&mut matrix, "protein");
    assert_eq!((names.concat(), rows.indptr, rows.data), ("CD19".to_owned(), vec![0, 1, 1, 1], vec![70.0]));
    let (names, rows) = modality(&mut matrix, "crispr");
    let guide = ("TP53-1".to_owned(), vec![0, 0, 0, 1], vec![60_000.0]);
    assert_eq!((names.concat(), rows.indptr, rows.data), guide);
}

#[test]
fn modalities_of_mudata_are_joined_by_the_names_of_cells() {
    let (mut matrix, rows) = read_all(&fixture("four.h5mu")).unwrap();
    assert_eq!(rows, expected());
    let (names, rows) = modality(&mut matrix, "protein");
    assert_eq!(names, ["CD3", "CD19"]);
    // AAAC-1 stands last, AAAG-1 was not measured, AAAT-1 stands first.
    assert_eq!((rows.row(0), rows.row(1)), ((&[0, 1][..], &[7.0, 8.0][..]), (&[][..], &[][..])));
    assert_eq!(rows.row(2), (&[0][..], &[5.0][..]));
    let dropped = [
        ("hto", "mod/hto/X[AAAT-1, tag] is 0.71428573, not an integer"),
        ("prot", "there is another `protein`"),
    ];
    assert_eq!(matrix.dropped_modalities, dropped.map(|(name, reason)| (name.to_owned(), reason.to_owned())));
    // Columns of the whole are joined; the copy of RNA's own is not.
    let columns: Vec<&str> = matrix.cells.columns.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(columns, ["own", "donor"]);
    assert_eq!(texts(&matrix.cells, "donor"), ["d1", "d2", "d3"].map(|donor| Some(donor.into())));
}

#[test]
fn proteins_in_obsm_are_read_if_their_names_are_known() {
    let (mut matrix, rows) = read_all(&fixture("proteins.h5ad")).unwrap();
    assert_eq!(rows, expected());
    let (names, rows) = modality(&mut matrix, "protein");
    assert_eq!(names, ["CD3", "CD19"]);
    assert_eq!((rows.indptr, rows.indices, rows.data), (vec![0, 1, 1, 2], vec![0, 1], vec![5.0, 6.0]));
    let (matrix, rows) = read_all(&fixture("proteins_unnamed.h5ad")).unwrap();
    assert_eq!((rows, matrix.modalities.len()), (expected(), 0));
    assert_eq!(matrix.dropped_modalities[0].0, "protein");
}

/// Sums from anndata 0.12.
#[test]
fn proteins_in_obsm_and_in_mudata_are_the_same_modality() {
    let Some(data) = data() else { return };
    for (name, n, sum, placed_sum) in [
        ("multiome_pbmc_citeseq_5k10k.h5ad", 14, 1_571_424.0, 1_947_198_433.0),
        ("multiome_pbmc_teaseq_rna_adt.h5ad", 46, 1_127_469.0, 17_224_236_183.0),
        ("odd/teaseq_rna_adt.h5mu", 46, 1_127_469.0, 17_224_236_183.0),
    ] {
        let mut matrix = open(&data.join(name), None).unwrap();
        let (names, rows) = modality(&mut matrix, "protein");
        let total: f64 = rows.data.iter().map(|&value| f64::from(value)).sum();
        assert_eq!((names.len(), total, placed(&rows)), (n, sum, placed_sum), "{name}");
    }
}

#[test]
fn a_genome_asked_for_is_read_and_one_that_is_not_there_is_refused() {
    let path = fixture("tenx_v2.h5");
    assert_eq!(open(&path, Some("mm10")).unwrap().genes.index, ["ENSMUSG00000051951"]);
    let error = open(&path, Some("hg19")).err().unwrap();
    assert_eq!(classify(&error), (65, Some("its genomes are `GRCh38`, `mm10`")));
}

#[test]
fn what_holds_no_counts_of_genes_is_refused_with_a_remedy() {
    let Some(data) = data() else { return };
    for (name, words) in [
        ("anndata-rs_sample.h5ad", "holds no matrix"),
        ("anndata_v0.5.0.h5ad", "holds no raw counts: X[AAAGCCTGGCTAAC-1, HES4] is -0.326, negative"),
        ("pbmc68k_reduced_old.h5ad", "holds no raw counts: X[AAAGCCTGGCTAAC-1, HES4] is -0.326, negative"),
        ("mudata_v0.1.2.h5mu", "holds no RNA: its modalities are `mod1`, `mod2`"),
        ("mudata_v0.4.1.h5mu", "holds no RNA: its modalities are `mod1`, `mod2`"),
        ("csc_X_scelvis_dummy.h5ad", "is 1.8580551, not an integer"),
        ("zellkonverter_krumsiek11.h5ad", "X[0, Gata2] is 0.8032, not an integer"),
    ] {
        let error = read_all(&data.join("odd").join(name)).err().unwrap();
        assert!(error.to_string().contains(words), "{name}: {error}");
        let (code, hint) = classify(&error);
        assert!(code == 65 && hint.is_some(), "{name}: {code}, {hint:?}");
    }
}
