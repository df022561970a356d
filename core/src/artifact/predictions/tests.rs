use super::*;
use crate::artifact::embeddings::tests::provenance;
use crate::artifact::obs::Split;

fn metadata(unassigned_below: f32) -> Metadata {
    let classes = ["B", "NK", "T"].map(str::to_owned).to_vec();
    Metadata::new("cell_type".into(), classes, unassigned_below, vec!["study".into()], provenance())
}

fn three_cells() -> Block {
    Block {
        obs: Obs {
            cell_id: ["c0", "c1", "c2"].map(str::to_owned).to_vec(),
            split: vec![Split::Test, Split::Train, Split::Valid],
            columns: vec![vec![Some("s1".into()), None, Some("s2".into())]],
        },
        label: vec![Some("T".into()), None, Some("plasma".into())],
        probabilities: vec![0.25, 0.25, 0.5, 0.5, 0.5, 0.0, 0.125, 0.75, 0.125],
        places: Vec::new(),
    }
}

fn written(block: &Block, unassigned_below: f32) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("predictions.parquet");
    let mut writer = Writer::create(&path, metadata(unassigned_below)).unwrap();
    writer.push(block).unwrap();
    writer.finish().unwrap();
    (directory, path)
}

#[test]
fn what_was_written_is_read_back_and_low_confidence_is_unassigned() {
    let (_keep, path) = written(&three_cells(), 0.6);
    let reader = Reader::open(&path).unwrap();
    assert_eq!((reader.n_cells, &reader.metadata), (3, &metadata(0.6)));
    let rows: Vec<_> = reader.blocks().unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].block, three_cells());
    assert_eq!(rows[0].predicted, [None, None, Some(1)]);
}

#[test]
fn equal_probabilities_go_to_the_first_class_and_entropy_is_in_nats() {
    let best = three_cells().best(3);
    assert_eq!((best[1].0, best[1].1), (0, 0.5));
    assert!((best[1].2 - std::f32::consts::LN_2).abs() < 1e-7);
}

#[test]
fn probabilities_that_do_not_sum_to_one_are_refused() {
    let mut block = three_cells();
    block.probabilities[0] = 0.75;
    let (_keep, path) = written(&block, 0.0);
    let error = Reader::open(&path).unwrap().blocks().unwrap().next().unwrap().unwrap_err();
    assert!(error.to_string().contains("cell `c0` sum to 1.5, expected 1"), "{error}");
}

#[test]
fn another_artifact_is_refused_by_name() {
    let (_keep, path) = written(&three_cells(), 0.0);
    let error = crate::artifact::embeddings::Reader::open(&path).unwrap_err();
    assert!(error.to_string().contains("is a `panfoma.predictions` artifact"), "{error}");
}

#[test]
fn transferred_labels_carry_their_place_and_novel_cells_are_unassigned() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("transfer.parquet");
    let transfer = Transfer { neighbors: 4, reference_cells: 90, novel_above: 0.9 };
    let metadata = Metadata { transfer: Some(transfer), ..metadata(0.4) };
    let place = |novelty| Place { distance: 1.5, novelty };
    let block = Block { places: vec![place(0.25), place(0.95), place(0.9)], ..three_cells() };
    let mut writer = Writer::create(&path, metadata.clone()).unwrap();
    writer.push(&block).unwrap();
    writer.finish().unwrap();
    let reader = Reader::open(&path).unwrap();
    assert_eq!(reader.metadata, metadata);
    let rows = reader.blocks().unwrap().next().unwrap().unwrap();
    assert_eq!(rows.block, block);
    // The second is novel; the third lies at the limit, which is not above it.
    assert_eq!(rows.predicted, [Some(2), None, Some(1)]);
}
