use super::*;
use crate::stage::error::classify;
use std::path::{Path, PathBuf};

/// A fixture that `tests/python/make_matrices.py` wrote.
pub(super) fn fixture(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/matrix")).join(name)
}

/// The real sets: `PANFOMA_DATA` or `../shared/data` beside the workspace; absent, they must not be in CI.
pub(super) fn data() -> Option<PathBuf> {
    let path = std::env::var_os("PANFOMA_DATA").map_or_else(
        || Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")).to_owned(),
        PathBuf::from,
    );
    if path.is_dir() {
        return Some(path);
    }
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "CI must set PANFOMA_DATA");
    eprintln!("skipped: `{}` is not there", path.display());
    None
}

pub(super) fn open(path: &Path, source: Option<&str>) -> Result<Matrix> {
    Matrix::open(path, source.map(|source| source.parse().unwrap()).as_ref())
}

pub(super) fn read_all(path: &Path) -> Result<(Matrix, Rows)> {
    let mut matrix = open(path, None)?;
    let rows = matrix.read_block(0..matrix.n_cells())?;
    Ok((matrix, rows))
}

/// The counts of every fixture: 3 cells x 5 genes, the second cell empty.
pub(super) fn expected() -> Rows {
    Rows {
        indptr: vec![0, 3, 3, 6],
        indices: vec![0, 2, 3, 1, 2, 4],
        data: vec![1.0, 2.0, 7.0, 30_000.0, 4.0, 5.0],
    }
}

#[test]
fn every_layout_gives_the_same_counts() {
    for (name, source) in [
        ("csr.h5ad", "X"),
        ("csr_gzip.h5ad", "X"),
        ("csr_lzf.h5ad", "X"),
        ("csr_zstd.h5ad", "X"),
        ("csr_blosc.h5ad", "X"),
        ("csr_blosc_zstd.h5ad", "X"),
        ("csr_unsorted.h5ad", "X"),
        ("csc.h5ad", "X"),
        ("csc_int64.h5ad", "X"),
        ("dense.h5ad", "X"),
        ("dense_uint16_gzip.h5ad", "X"),
        ("dense_float16.h5ad", "X"),
        ("layer.h5ad", "layers/counts"),
        ("raw.h5ad", "raw/X"),
        ("compound.h5ad", "X"),
        ("references.h5ad", "X"),
        ("bare.h5ad", "X"),
        ("tenx_v2.h5", "GRCh38"),
        ("tenx_v3.h5", "matrix"),
        ("tenx_v3_mixed.h5", "matrix"),
        ("chunked.loom", "layers/counts"),
        ("contiguous.loom", "layers/counts"),
        ("rna.h5mu", "mod/rna/X"),
        ("four.h5mu", "mod/gex/X"),
        ("mtx", "matrix.mtx"),
        ("mtx_v2", "matrix.mtx"),
    ] {
        let (mut matrix, rows) = read_all(&fixture(name)).unwrap_or_else(|error| panic!("{name}: {error:#}"));
        assert_eq!(rows, expected(), "{name}");
        assert_eq!(matrix.source, source, "{name}");
        assert_eq!(matrix.cells.index, ["AAAC-1", "AAAG-1", "AAAT-1"], "{name}");
        assert_eq!(matrix.genes.index[1], "ENSG00000146648", "{name}");
        assert_eq!(matrix.genes.column("gene_symbols").unwrap().text(4).unwrap(), "RPL11", "{name}");
        let last = matrix.read_block(2..3).unwrap();
        assert_eq!(
            last,
            Rows { indptr: vec![0, 3], indices: vec![1, 2, 4], data: vec![30_000.0, 4.0, 5.0] },
            "{name}"
        );
    }
}

#[test]
fn a_filter_that_is_not_read_is_named_with_a_remedy() {
    let error = read_all(&fixture("bzip2.h5ad")).err().unwrap();
    assert!(error.to_string().contains("filter 307 (bzip2)"), "{error}");
    let (code, hint) = classify(&error);
    assert_eq!(code, 65);
    assert!(hint.unwrap().contains("compression=\"gzip\""));
}

#[test]
fn a_layer_asked_for_is_read_or_refused() {
    let wrong = open(&fixture("layer.h5ad"), Some("X")).unwrap().read_block(0..3).err().unwrap();
    assert!(wrong.to_string().contains("X[AAAC-1, ENSG00000141510] is 0.6931472, not an integer"), "{wrong}");
    assert_eq!(
        open(&fixture("layer.h5ad"), Some("layers/counts")).unwrap().read_block(0..3).unwrap(),
        expected()
    );
    let missing = open(&fixture("layer.h5ad"), Some("umis")).err().unwrap();
    assert_eq!(classify(&missing).1.unwrap(), "its matrices are `X`, `layers/counts`");
}

/// Every file of `odd/derived` with what must come of it: the source that is read, or words of the refusal.
#[test]
fn odd_files_are_read_or_refused_as_their_manifest_says() {
    let Some(data) = data() else { return };
    let directory = data.join("odd/derived");
    let cases: &[(&str, Result<&str, &str>)] = &[
        ("dup_gene_names.h5ad", Ok("X")),
        ("dup_cell_names.h5ad", Ok("X")),
        ("empty_cells.h5ad", Ok("X")),
        ("empty_genes.h5ad", Ok("X")),
        ("nan_inf_dense.h5ad", Err("is NaN, not a count")),
        ("nan_sparse.h5ad", Err("is NaN, not a count")),
        ("negative_counts.h5ad", Err("negative")),
        ("csc_counts.h5ad", Ok("X")),
        ("dense_float64_counts.h5ad", Ok("X")),
        ("csr_int64_counts.h5ad", Ok("X")),
        ("dense_uint16_counts.h5ad", Ok("X")),
        ("raw_in_raw_X.h5ad", Ok("raw/X")),
        ("raw_in_raw_X_more_genes.h5ad", Ok("raw/X")),
        ("raw_in_layers_counts.h5ad", Ok("layers/counts")),
        ("X_missing_layers_counts.h5ad", Ok("layers/counts")),
        ("lognorm_only.h5ad", Err("holds no raw counts: X[")),
        ("noninteger_counts.h5ad", Err("not an integer")),
        ("unsorted_indices.h5ad", Ok("X")),
        ("categorical_missing.h5ad", Ok("X")),
        ("nullable_obs.h5ad", Ok("X")),
        ("lowercase_genes.h5ad", Ok("X")),
        ("versioned_ensembl_ids.h5ad", Ok("X")),
        ("previous_symbols.h5ad", Ok("X")),
        ("genome_prefixed.h5ad", Ok("X")),
        ("unicode_names.h5ad", Ok("X")),
        ("zero_cells.h5ad", Ok("X")),
        ("zero_genes.h5ad", Ok("X")),
        ("one_cell.h5ad", Ok("X")),
        ("truncated.h5ad", Err("cannot read")),
        ("corrupt_bytes.h5ad", Err("cannot read")),
        ("not_hdf5.h5ad", Err("is not an HDF5 file")),
        ("zero_bytes.h5ad", Err("is empty (0 bytes)")),
        ("csr_indptr_out_of_range.h5ad", Err("`X/indptr[10]` is 100000000, expected 2050 to 40019")),
        ("csr_index_out_of_range.h5ad", Err("`X/indices[5]` is 60000, expected 0 to 599")),
        ("csr_negative_index.h5ad", Err("`X/indices[5]` is -1, expected 0 to 599")),
        ("csr_shape_mismatch.h5ad", Err("[200, 599], expected [200, 600]")),
        ("csr_data_short.h5ad", Err("40019 entries, `X/data` has 40009")),
        ("csr_no_encoding_attrs.h5ad", Ok("X")),
        ("mtx_good_v3", Ok("matrix.mtx")),
        ("mtx_bad_nnz", Err("holds 40019 entries, its header declares 40119")),
        ("mtx_bad_dims", Err("declares 500 rows, but there are 600 features")),
        ("mtx_short_barcodes", Err("declares 200 columns, but there are 150 barcodes")),
        ("mtx_truncated_gz", Err("cannot be read to its end")),
        ("dense_genes_x_cells.csv", Ok("table")),
    ];
    let manifest = std::fs::read_to_string(directory.join("MANIFEST.tsv")).unwrap();
    let listed = manifest.lines().skip(1).map(|line| line.split('\t').next().unwrap().trim_end_matches('/'));
    assert_eq!(listed.collect::<Vec<_>>(), cases.iter().map(|case| case.0).collect::<Vec<_>>());
    for (name, expected) in cases {
        match (read_all(&directory.join(name)), expected) {
            (Ok((matrix, rows)), Ok(source)) => {
                assert_eq!((matrix.source.as_str(), rows.len()), (*source, matrix.n_cells()), "{name}");
            }
            (Err(error), Err(words)) => {
                assert!(error.to_string().contains(words), "{name}: {error}");
                assert_eq!(classify(&error).0, 65, "{name}");
            }
            (Ok(_), Err(words)) => panic!("{name} was read, expected a refusal: {words}"),
            (Err(error), Ok(_)) => panic!("{name} was refused: {error:#}"),
        }
    }
}

/// The same 200 x 600 counts stored in several ways.
#[test]
fn real_counts_are_the_same_in_every_layout() {
    let Some(data) = data() else { return };
    let read = |name: &str| read_all(&data.join("odd/derived").join(name)).unwrap().1;
    let expected = read("csr_int64_counts.h5ad");
    assert_eq!(expected.data.len(), 40_019);
    for name in [
        "csc_counts.h5ad",
        "dense_float64_counts.h5ad",
        "dense_uint16_counts.h5ad",
        "unsorted_indices.h5ad",
        "mtx_good_v3",
    ] {
        assert_eq!(read(name), expected, "{name}");
    }
}

/// Shapes as the sets' own table gives them.
#[test]
fn real_sets_are_read_or_refused_for_what_they_are() {
    let Some(data) = data() else { return };
    for (name, n_cells, n_genes) in [
        ("multiome_pbmc_citeseq_5k10k", 400, 15_792),
        ("multiome_pbmc_teaseq_rna_adt", 1_262, 9_855),
        ("normal_pbmc_facs_zheng2017", 3_774, 16_791),
        ("pancreas_baron2016_human_mouse", 350, 12_474),
        ("tumor_aml_zheng2017_aml027pre", 1_500, 12_658),
        ("tumor_breast_tnbc_wu2021", 1_564, 29_733),
        ("tumor_ctcl_skin_gaydosik2019", 1_800, 33_694),
        ("tumor_gbm_zhao2021_300genes", 5_000, 300),
        ("tumor_lung_celllines_scmixology", 1_408, 28_517),
        ("tumor_lung_luad_kim2020_T34", 397, 29_634),
        ("tumor_malt_lymphoma_10x_citeseq", 1_000, 33_538),
        ("tumor_pancancer_tcells_wu2020", 200, 3_000),
    ] {
        let (matrix, rows) = read_all(&data.join(name).with_extension("h5ad")).unwrap();
        assert_eq!((matrix.n_cells(), matrix.n_genes(), rows.len()), (n_cells, n_genes, n_cells), "{name}");
        assert!(matrix.cells.column("cell_type").is_some(), "{name}");
    }
    for name in ["pancreas_panc8_small_5tech", "tumor_oligodendroglioma_infercnv_noninteger"] {
        let error = read_all(&data.join(name).with_extension("h5ad")).err().unwrap();
        assert!(error.to_string().contains("holds no raw counts: X["), "{error}");
        assert_eq!(classify(&error).0, 65);
    }
}

/// Numbers of values, and of those that are not integers, as numpy counts them.
#[test]
fn corrected_counts_are_rounded_only_where_that_is_asked_for() {
    let Some(data) = data() else { return };
    for (name, values, not_integers) in [
        ("pancreas_panc8_small_5tech.h5ad", 100_355, 54_309),
        ("tumor_oligodendroglioma_infercnv_noninteger.h5ad", 771_850, 771_115),
    ] {
        let path = data.join(name);
        let refused = Matrix::open(&path, None).err().unwrap();
        let (code, hint) = classify(&refused);
        assert_eq!(code, 65);
        assert!(hint.unwrap().contains("`--round-corrected-counts`"), "{hint:?}");
        let mut matrix = Matrix::open_corrected(&path, None).unwrap();
        let rows = matrix.read_block(0..matrix.n_cells()).unwrap();
        assert!(rows.data.iter().all(|value| value.fract() == 0.0 && *value > 0.0), "{name}");
        let rounding = matrix.rounding.unwrap();
        assert_eq!((rounding.values, rounding.not_integers), (values, not_integers), "{name}");
    }
    for (name, reason) in [
        ("odd/derived/lognorm_only.h5ad", "logarithms do not exceed 20"),
        ("odd/derived/noninteger_counts.h5ad", "normalised counts"),
        ("odd/derived/negative_counts.h5ad", "negative"),
        ("odd/derived/nan_sparse.h5ad", "is NaN"),
        ("odd/pbmc68k_reduced_old.h5ad", "X["),
        ("odd/csc_X_scelvis_dummy.h5ad", "X["),
    ] {
        let error = Matrix::open_corrected(&data.join(name), None).err().unwrap();
        assert!(format!("{error}").contains(reason), "{name}: {error}");
        assert_eq!(classify(&error).0, 65, "{name}");
    }
    // Integers beside are preferred and stay as they are.
    let mut raw = Matrix::open_corrected(&data.join("odd/derived/raw_in_raw_X.h5ad"), None).unwrap();
    assert_eq!(raw.source, "raw/X");
    raw.read_block(0..raw.n_cells()).unwrap();
    assert_eq!(raw.rounding.unwrap().not_integers, 0);
}

#[test]
fn foreign_and_malformed_files_are_refused_cleanly() {
    let Some(data) = data() else { return };
    for directory in ["odd", "odd/hdf5_cve"] {
        for entry in std::fs::read_dir(data.join(directory)).unwrap() {
            let path = entry.unwrap().path();
            if !path.is_file() {
                continue;
            }
            if let Err(error) = read_all(&path) {
                assert_eq!(classify(&error).0, 65, "{}: {error:#}", path.display());
            } else {
                assert!(!directory.ends_with("cve"), "{} was read", path.display());
            }
        }
    }
}

/// Shapes and sums from `scanpy.read_10x_mtx(gex_only=True)`.
#[test]
fn only_gene_expression_rows_of_a_directory_are_genes() {
    let Some(data) = data() else { return };
    for (name, n_cells, n_genes, sum) in [
        ("10x_v2_mtx", 12, 343, 12.0),
        ("10x_v3_mtx", 1107, 507, 41_549.0),
        ("seurat_cr3_mtx", 5, 3, 5_610.0),
    ] {
        let (matrix, rows) = read_all(&data.join("odd").join(name)).unwrap();
        assert_eq!(
            (matrix.n_cells(), matrix.n_genes(), rows.data.iter().sum::<f32>()),
            (n_cells, n_genes, sum),
            "{name}"
        );
    }
}

/// Shapes and sums from `pandas.read_csv` and `anndata.io.read_umi_tools`; the last is the first 50 cells of `mtx_good_v3`.
#[test]
fn tables_of_other_tools_are_read() {
    let Some(data) = data() else { return };
    for (name, n_cells, n_genes, n_values, sum) in [
        ("pbmc_raw_dense.txt", 80, 230, 4_456, 19_633.0),
        ("umi_tools.tsv.gz", 2, 13, 22, 145.0),
        ("derived/dense_genes_x_cells.csv", 50, 600, 10_215, 28_483.0),
    ] {
        let (matrix, rows) = read_all(&data.join("odd").join(name)).unwrap();
        let found = (matrix.n_cells(), matrix.n_genes(), rows.data.len(), rows.data.iter().sum::<f32>());
        assert_eq!(found, (n_cells, n_genes, n_values, sum), "{name}");
    }
    let mut table = open(&data.join("odd/derived/dense_genes_x_cells.csv"), None).unwrap();
    let mut mtx = open(&data.join("odd/derived/mtx_good_v3"), None).unwrap();
    assert_eq!(table.cells.index, mtx.cells.index[..50]);
    assert_eq!(table.read_block(0..50).unwrap(), mtx.read_block(0..50).unwrap());
    assert_eq!(table.read_block(7..9).unwrap(), mtx.read_block(7..9).unwrap());
}

#[test]
fn antibodies_of_a_directory_are_a_modality() {
    let Some(data) = data() else { return };
    let (mut matrix, _) = read_all(&data.join("odd/seurat_cr3_mtx")).unwrap();
    let protein = &matrix.modalities[0];
    assert_eq!((matrix.modalities.len(), protein.name.as_str()), (1, "protein"));
    assert_eq!(protein.features.index, ["CD3_GCCTGACTAGATCCA", "CD19_CGTGCAACACTCGTA"]);
    let rows = matrix.read_modality(0, 0..5).unwrap();
    let expected = Rows {
        indptr: vec![0, 0, 1, 1, 2, 4],
        indices: vec![0, 0, 0, 1],
        data: vec![70_000.0, 5.0, 3_332.0, 1_200.0],
    };
    assert_eq!(rows, expected);
}

/// The first four values as pandas shows them.
#[test]
fn columns_keep_their_kind_and_their_missing_values() {
    let Some(data) = data() else { return };
    let check = |file: &str, column: &str, kind: Kind, expected: [Option<&str>; 4]| {
        let cells = open(&data.join("odd/derived").join(file), None).unwrap().cells;
        let values = cells.column(column).unwrap();
        let found: Vec<_> = (0..4).map(|i| values.text(i)).collect();
        assert_eq!(values.kind(), kind, "{column}");
        assert_eq!(found.iter().map(Option::as_deref).collect::<Vec<_>>(), expected, "{column}");
    };
    let nullable = "nullable_obs.h5ad";
    check(nullable, "nullable_int", Kind::Float, [None, Some("1"), Some("2"), Some("3")]);
    check(nullable, "nullable_bool", Kind::Categorical, [None, Some("True"), Some("False"), Some("True")]);
    check(nullable, "b", Kind::Bool, ["False", "True", "False", "True"].map(Some));
    let missing = "categorical_missing.h5ad";
    check(missing, "cell_type", Kind::Categorical, [None, Some("Endothelial"), Some("Endothelial"), None]);
    check(missing, "empty_cat", Kind::Categorical, [None; 4]);
    check(missing, "num", Kind::Float, [None, Some("1.5"), Some("1.5"), Some("1.5")]);
}

#[test]
fn what_is_not_there_is_66() {
    let error = open(Path::new("no/such.h5ad"), None).err().unwrap();
    assert_eq!(classify(&error).0, 66);
}
