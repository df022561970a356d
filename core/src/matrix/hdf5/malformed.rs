//! Files that lie, each in one way (`tests/python/make_malformed.py`): all are refused, for what they are.

use crate::matrix::tests::{data, fixture, read_all};
use crate::stage::error::classify;
use std::collections::BTreeSet;

const CASES: [(&str, &str); 28] = [
    // Claims of sizes that no chunk backs: none may cost the memory it claims.
    ("indptr_of_a_trillion.h5ad", "`X/indptr` has 1000000000000 entries, expected at most 4"),
    (
        "a_billion_names.h5ad",
        "`obs/_index` claims 1000000000 entries (16000000000 bytes), more than a file of 6411",
    ),
    ("a_billion_rows.h5ad", "`obs` claims 1000000000 entries"),
    ("a_billion_codes.h5ad", "`obs/type/codes` claims 1000000000 entries"),
    ("names_of_a_gigabyte.h5ad", "`obs/_index` claims 3 entries (3000000000 bytes)"),
    ("a_trillion_genes.loom", "`matrix` claims an axis of 1000000000000"),
    ("one_text_many_times.h5ad", "the texts of `obs/_index` are more than 16 times as long as the file"),
    // Chunks that are not what their filter makes.
    ("damaged_gzip.h5ad", "cannot read `X/data`: decompression error"),
    ("damaged_lzf.h5ad", "cannot read `X/data`: decompression error: a damaged lzf chunk"),
    ("damaged_zstd.h5ad", "cannot read `X/data`: decompression error: zstd"),
    ("damaged_blosc.h5ad", "cannot read `X/data`: decompression error: not a Blosc buffer"),
    // Parts that do not fit together.
    ("code_beyond_categories.h5ad", "a code of `obs/type/categories` is 7, expected -1 to 1"),
    ("mask_too_short.h5ad", "`obs/n/mask` has 2 entries, expected 3"),
    ("column_too_short.h5ad", "`obs/n` has 2 entries, expected 3"),
    ("names_without_utf8.h5ad", "`obs/_index[1]` is not UTF-8 text"),
    ("obs_is_its_own_child.h5ad", "`obs` is missing, at its root there is X, var"),
    ("indices_of_two_axes.h5ad", "`X/indices` has 2 axes, expected 1"),
    ("neither_rows_nor_columns.h5ad", "`X` does not say whether it is stored by rows or by columns"),
    ("tenx_of_another_shape.h5", "`matrix/shape` is [3, 2], expected [2, 3] (features x barcodes)"),
    ("tenx_with_a_barcode_too_few.h5", "`matrix/indptr` has 4 entries, expected at most 3"),
    ("tenx_with_a_type_too_few.h5", "`matrix/features/feature_type` has 1 entries, expected 2"),
    ("tenx_of_peaks_alone.h5", "holds no genes: all its 2 features are of other types, such as `Peaks`"),
    ("tenx_of_two_mice.h5", "holds counts of 2 genomes: `mm10`, `mm9`"),
    ("loom_of_another_length.loom", "`row_attrs/Gene` has 3 entries, expected 2"),
    ("loom_layer_of_another_shape.loom", "`layers/counts` has shape [3, 2], expected [2, 3]"),
    ("no_modality.h5mu", "holds no RNA: its modalities are none"),
    ("seurat.h5seurat", "is a Seurat file"),
    ("weights.h5", "is HDF5 but no matrix: `obs` is missing, at its root there is layer"),
];

#[test]
fn a_file_that_lies_is_refused_with_place_and_remedy() {
    for (name, words) in CASES {
        let error =
            read_all(&fixture("malformed").join(name)).err().unwrap_or_else(|| panic!("{name} was read"));
        assert!(error.to_string().contains(words), "{name}: {error}");
        let (code, hint) = classify(&error);
        assert!(code == 65 && hint.is_some(), "{name}: {code}, {hint:?}");
    }
    let files = std::fs::read_dir(fixture("malformed")).unwrap();
    let files: BTreeSet<String> =
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(files, CASES.map(|case| case.0.to_owned()).into());
}

/// The files of HDF5's security reports, and good files cut at many lengths.
#[test]
fn damaged_files_are_refused_whatever_the_decoder_stumbles_over() {
    let refused = |path: &std::path::Path| {
        let error = read_all(path).err().unwrap_or_else(|| panic!("{} was read", path.display()));
        let (code, hint) = classify(&error);
        assert!(code == 65 && hint.is_some(), "{}: {error:#}", path.display());
    };
    let directory = tempfile::tempdir().unwrap();
    for name in ["csr.h5ad", "compound_columns.h5ad", "tenx_v3_mixed.h5", "chunked.loom", "four.h5mu"] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        for part in 1..16 {
            let path = directory.path().join(name);
            std::fs::write(&path, &bytes[..bytes.len() * part / 16]).unwrap();
            refused(&path);
        }
    }
    let Some(data) = data() else { return };
    for entry in std::fs::read_dir(data.join("odd/hdf5_cve")).unwrap() {
        refused(&entry.unwrap().path());
    }
}
