//! BEELINE's figures on its own networks and on made-up rankings.

use super::*;
use crate::metrics::goldens::{close, json, path};

fn rows(name: &str, separator: char) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path("beeline").join(name)).unwrap();
    text.lines().skip(1).map(|line| line.split(separator).map(str::to_owned).collect()).collect()
}

#[test]
fn scores_are_those_of_beeline_with_ties_gaps_duplicates_and_self_loops() {
    let goldens = json("beeline.json");
    for case in ["gsd_pearson", "gsd_ties", "gsd_partial", "gsd_selfloops_dups"] {
        let expected = &goldens[case];
        let truth = rows(&format!("{case}_gt.csv"), ',');
        let edges = rows(&format!("{case}_rankedEdges.csv"), '\t');
        let edges: Vec<Scored> = edges.iter().map(|e| (&*e[0], &*e[1], e[2].parse().unwrap())).collect();
        let sign = |text: &str| Some(if text == "+" { Sign::Activation } else { Sign::Inhibition });
        let reference = Reference::new(truth.iter().map(|edge| (&*edge[0], &*edge[1], sign(&edge[2]))));
        let all = reference.score(Universe::All, &edges);
        close(all.auroc.unwrap(), &expected["AUROC"], 1e-9);
        close(all.auprc.unwrap(), &expected["AUPRC"], 1e-9);
        close(all.auprc_ratio.unwrap(), &expected["AUPRC_ratio"], 1e-9);
        close(all.average_precision.unwrap(), &expected["average_precision_sklearn"], 1e-9);
        close(all.early_precision_ratio.unwrap(), &expected["EPR_tfFalse"], 1e-9);
        close(all.early_precision.unwrap(), &expected["EP_v1.0_tfFalse"], 1e-9);
        close(all.epr_activation.unwrap(), &expected["EPR_activation"], 1e-9);
        close(all.epr_inhibition.unwrap(), &expected["EPR_inhibition"], 1e-9);
        close(all.n_true as f64 / all.n_pairs as f64, &expected["random_precision_tfFalse"], 1e-9);
        if case != "gsd_pearson" {
            // Which `steps` scores, as R reads it.
            close(all.auprc_davis_goadrich.unwrap(), &expected["PRROC_auc_davis_goadrich"], 1e-9);
        }
        assert_eq!(
            (expected["n_true_tfFalse"].as_u64(), expected["n_possible_tfFalse"].as_u64()),
            (Some(all.n_true), Some(all.n_pairs))
        );
        let tf = reference.score(Universe::Regulators, &edges);
        close(tf.early_precision_ratio.unwrap(), &expected["EPR_tfTrue"], 1e-9);
        close(tf.early_precision.unwrap(), &expected["EP_v1.0_tfTrue"], 1e-9);
        close(tf.n_true as f64 / tf.n_pairs as f64, &expected["random_precision_tfTrue"], 1e-9);
        assert_eq!(expected["n_possible_tfTrue"], tf.n_pairs);
    }
}

#[test]
fn no_edges_score_zero_and_no_reference_has_a_reason() {
    let reference = Reference::new([("A", "B", None), ("B", "C", None)]);
    assert_eq!(reference.score(Universe::All, &[]).early_precision_ratio, Ok(0.0));
    assert_eq!(reference.score(Universe::All, &[]).auroc, Ok(0.5));
    assert!(Reference::new([("A", "A", None)]).score(Universe::All, &[]).auprc.is_err());
}

#[test]
fn a_sign_is_known_where_the_reference_does_not_contradict_itself() {
    let (up, down) = (Some(Sign::Activation), Some(Sign::Inhibition));
    let reference =
        Reference::new([("A", "B", up), ("A", "B", up), ("A", "C", up), ("A", "C", down), ("B", "C", down)]);
    let scores = reference.score(Universe::All, &[("A", "B", -0.9), ("A", "C", -0.8), ("B", "C", -0.1)]);
    // A -> B is wrong, B -> C right, A -> C unknown.
    assert_eq!(scores.sign_accuracy, Ok(0.5));
    // One activating edge of six pairs; it stands first, and A -> C is out of the ranking.
    assert_eq!((scores.n_true, scores.epr_activation), (3, Ok(6.0)));
    assert!(reference.score(Universe::All, &[("A", "B", 0.9)]).sign_accuracy.is_err());
    assert!(Reference::new([("A", "B", None)]).score(Universe::All, &[]).epr_activation.is_err());
}
