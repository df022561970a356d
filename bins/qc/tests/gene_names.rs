//! Gene names of every kind, on files that `../shared/data/odd/derived` made of one real tumour.

mod stage;

use panfoma_core::artifact::cells::Cells;
use panfoma_core::matrix::Matrix;
use panfoma_core::stage::error::classify;
use stage::{data, fixture, qc, report, table};
use std::path::{Path, PathBuf};

#[test]
fn genes_that_are_not_human_are_refused_with_a_remedy() {
    let Some(data) = data() else { return };
    let directory = tempfile::tempdir().unwrap();
    let error = qc(&directory.path().join("a.zarr"), &[data.join("odd/derived/lowercase_genes.h5ad")], &[])
        .unwrap_err();
    let (code, hint) = classify(&error);
    assert_eq!(code, 65);
    assert!(
        error.to_string().contains("0 of 600 gene names")
            && error.to_string().contains("lower case")
            && hint.unwrap().contains("orthologs"),
        "{error}"
    );
}

/// Rows of `genes.tsv` of one of the derived files, without the header.
fn genes_of(data: &Path, name: &str, flags: &[&str]) -> Vec<Vec<String>> {
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().join("cells.zarr");
    let flags = [&["--study", "s"], flags].concat();
    qc(&output, &[data.join("odd/derived").join(name).with_extension("h5ad")], &flags).unwrap();
    let table = table(&output, "genes.tsv");
    assert_eq!(table[0].join(" "), "study input_name class ensembl_id symbol cells in_output");
    table[1..].to_vec()
}

fn n_of(genes: &[Vec<String>], class: &str) -> usize {
    genes.iter().filter(|gene| gene[2] == class).count()
}

/// The derived files hold the same genes in the same order under other names.
#[test]
fn names_of_several_kinds_lead_to_the_same_genes() {
    let Some(data) = data() else { return };
    let plain = genes_of(&data, "csc_counts", &[]);
    assert_eq!((plain.len(), n_of(&plain, "unmapped")), (600, 0));
    // By the published table 563 of its symbols are approved, 33 previous ones and 3 aliases; STRA13 was the symbol of
    // both BHLHE40 and CENPX.
    assert_eq!(["approved", "previous", "alias"].map(|class| n_of(&plain, class)), [563, 33, 3]);
    let ambiguous: Vec<_> = plain.iter().filter(|gene| gene[2] == "ambiguous").map(|gene| &gene[1]).collect();
    assert_eq!(ambiguous, ["STRA13"]);
    for (name, class, at_least) in [
        ("versioned_ensembl_ids", "ensembl", 500),
        ("previous_symbols", "previous", 221),
        ("genome_prefixed", "approved", 270),
        ("unicode_names", "approved", 563),
    ] {
        let genes = genes_of(&data, name, &[]);
        assert_eq!(genes.len(), 600, "{name}");
        assert!(n_of(&genes, class) >= at_least, "{name}: {} are {class}", n_of(&genes, class));
        // BRF2 was ZFP36L2's symbol and is now another gene's own: what is approved wins.
        let passed_on = |gene: &[String], plain: &[String]| {
            class == "previous" && gene[2] == "approved" && gene[1] != plain[1]
        };
        for (gene, expected) in genes.iter().zip(&plain).filter(|(gene, _)| !gene[3].is_empty()) {
            if passed_on(gene, expected) {
                continue;
            }
            assert_eq!(gene[3..6], expected[3..6], "{name}: {}", gene[1]);
            assert_eq!(gene[6], "true", "{name}: {}", gene[1]);
        }
        let known = genes.iter().filter(|gene| !gene[3].is_empty()).count();
        // Mouse's, and ids that the derivation made up for old symbols.
        let made_up = |gene: &&Vec<String>| gene[1].starts_with("mm10_") || gene[1].starts_with("ENSG9999");
        let expected = 600 - genes.iter().filter(made_up).count();
        assert!(known * 20 > expected * 19 && known <= expected, "{name}: {known} of {expected}");
    }
}

#[test]
fn counts_of_a_repeated_name_are_added_up() {
    let Some(data) = data() else { return };
    let input = data.join("odd/derived/dup_gene_names.h5ad");
    let genes = genes_of(&data, "dup_gene_names", &[]);
    let repeated = |gene: &&Vec<String>| gene[1] == "MALAT1" && gene[3] == "ENSG00000251562";
    assert_eq!(genes.iter().filter(repeated).count(), 86);
    assert_eq!(genes.iter().filter(repeated).filter(|gene| gene[2] == "duplicated").count(), 85);
    let mut matrix = Matrix::open(&input, None).unwrap();
    let rows = matrix.read_block(0..matrix.n_cells()).unwrap();
    let is_malat1 = |gene: u32| matrix.genes.index[gene as usize] == "MALAT1";
    let counts = rows.indices.iter().zip(&rows.data).filter(|(gene, _)| is_malat1(**gene));
    let expected: f64 = counts.map(|(_, &count)| f64::from(count)).sum();
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().join("cells.zarr");
    qc(&output, &[input], &["--max-pct-mt", "100", "--min-genes", "0"]).unwrap();
    let cells = Cells::open(&output).unwrap();
    let malat1 = cells.genes().iter().find(|gene| gene.symbol == "MALAT1").unwrap();
    assert_eq!((cells.n_cells(), malat1.total_counts), (matrix.n_cells(), expected));
}

#[test]
fn mixed_species_are_named() {
    let Some(data) = data() else { return };
    let directory = tempfile::tempdir().unwrap();
    let notes = |input: &str| {
        let output = directory.path().join("cells.zarr");
        qc(&output, &[data.join(input)], &[]).unwrap();
        let notes = report(&output)["studies"][0]["notes"].clone();
        std::fs::remove_dir_all(&output).unwrap();
        notes.as_array().unwrap().iter().map(|note| note.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let barnyard = notes("odd/derived/genome_prefixed.h5ad");
    assert!(
        barnyard[0].contains("human and mouse") && barnyard[0].contains("300 are names of mouse"),
        "{barnyard:?}"
    );
    // Human symbols throughout: only the cells' own column tells.
    let baron = notes("pancreas_baron2016_human_mouse.h5ad");
    assert!(baron[0].contains("`species`: 175 `mouse` of 350"), "{baron:?}");
    assert!(notes("tumor_lung_luad_kim2020_T34.h5ad").is_empty());
}

/// A 10x directory of 12 genes and 20 cells under these names.
fn write_10x(directory: &Path, genes: &[String], cells: &[String]) -> PathBuf {
    let path = directory.join(format!("{}_x_{}", genes.len(), cells.len()));
    std::fs::create_dir_all(&path).unwrap();
    let lines = |names: &[String]| names.iter().map(|name| format!("{name}\n")).collect::<String>();
    let features = genes.iter().map(|name| format!("{name}\t{name}\tGene Expression\n")).collect::<String>();
    std::fs::write(path.join("features.tsv"), features).unwrap();
    std::fs::write(path.join("barcodes.tsv"), lines(cells)).unwrap();
    let head =
        format!("%%MatrixMarket matrix coordinate integer general\n{} {} 2\n", genes.len(), cells.len());
    std::fs::write(path.join("matrix.mtx"), head + "1 1 5\n2 2 7\n").unwrap();
    path
}

#[test]
fn numbers_for_names_and_a_turned_matrix_are_recognised() {
    let directory = tempfile::tempdir().unwrap();
    let symbols =
        ["TP53", "EGFR", "MALAT1", "ACTB", "GAPDH", "CD3E", "MS4A1", "LYZ", "EPCAM", "PTPRC", "KRT8", "VIM"];
    let symbols = symbols.map(str::to_owned).to_vec();
    let barcodes: Vec<String> = (0..20_u8)
        .map(|i| format!("AAACCTGAGC{}-1", ["A", "C", "G", "T"][usize::from(i % 4)].repeat(6)))
        .collect();
    let numbers: Vec<String> = (0..12).map(|i| i.to_string()).collect();
    let refused = |genes: &[String], cells: &[String]| {
        let input = write_10x(directory.path(), genes, cells);
        let error = qc(&directory.path().join("a.zarr"), &[input], &["--min-genes", "0"]).unwrap_err();
        let (code, hint) = classify(&error);
        assert_eq!(code, 65);
        format!("{error:#}; {}", hint.unwrap())
    };
    let error = refused(&numbers, &barcodes);
    assert!(
        error.contains("0 of 12 gene names")
            && error.contains("numbers")
            && error.contains("adata.var_names ="),
        "{error}"
    );
    let names: Vec<String> = (0..20).map(|i| format!("cell{i}")).collect();
    for cells in [&barcodes, &names] {
        let error = refused(cells, &symbols);
        assert!(error.contains("swapped") && error.contains("adata.T"), "{error}");
    }
}

#[test]
fn the_gene_table_and_its_digest_travel_with_the_cells() {
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().join("cells.zarr");
    qc(&output, &[fixture("matrix/csr.h5ad")], &[]).unwrap();
    let digest = panfoma_core::genes::GeneTable::digest();
    assert_eq!(report(&output)["gene_table"], digest);
    assert_eq!(Cells::open(&output).unwrap().header().provenance.config["gene_table"], digest);
}
