"""Compares `evaluation/` with what scikit-learn computes from `predictions.parquet`, to 1e-12; prints how many numbers.

    python check_classification.py DIRECTORY
"""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from sklearn import metrics

root = Path(sys.argv[1])
table = pq.read_table(root / "predictions.parquet")
metadata = json.loads(pq.read_metadata(root / "predictions.parquet").metadata[b"panfoma"])
classes, threshold = np.array(metadata["classes"]), metadata["unassigned_below"]
y = np.array(table["label"].to_pylist())
patient = np.array(table["patient"].to_pylist())
p = np.array(table["probabilities"].to_pylist(), dtype=np.float64)
best = p.argmax(axis=1)
predicted, confidence = classes[best], p.max(axis=1)
one_hot = np.array([[label == name for name in classes] for label in y])
present = [k for k, name in enumerate(classes) if 0 < one_hot[:, k].sum() < len(y)]

epsilon = np.finfo(np.float32).eps
of_truth = np.clip((p * one_hot).sum(axis=1), epsilon, 1 - epsilon)
right = predicted == y
edges = np.arange(16) / 15
bins = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, 14)
ece = sum(abs(right[bins == b].mean() - confidence[bins == b].mean()) * (bins == b).mean() for b in set(bins))

f1 = {average: metrics.f1_score(y, predicted, average=average, zero_division=0) for average in ["macro", "micro", "weighted"]}
auroc = {k: metrics.roc_auc_score(one_hot[:, k], p[:, k]) for k in present}
auprc = {k: metrics.average_precision_score(one_hot[:, k], p[:, k]) for k in present}
expected = {
    ("accuracy", "all"): metrics.accuracy_score(y, predicted),
    # Classes that are only predicted have no recall: scikit-learn warns of them and leaves them out.
    ("balanced_accuracy", "all"): metrics.balanced_accuracy_score(y, predicted),
    ("macro_f1", "all"): f1["macro"],
    ("micro_f1", "all"): f1["micro"],
    ("weighted_f1", "all"): f1["weighted"],
    ("kappa", "all"): metrics.cohen_kappa_score(y, predicted),
    ("mcc", "all"): metrics.matthews_corrcoef(y, predicted),
    # scikit-learn clips by the precision of its input; the artifact's is that of f32.
    ("log_loss", "all"): -np.log(of_truth).mean(),
    ("brier", "all"): metrics.brier_score_loss(y, p, labels=classes, scale_by_half=False),
    ("ece", "all"): ece,
    ("auroc", "all"): np.mean(list(auroc.values())),
    ("auprc", "all"): np.mean(list(auprc.values())),
    ("unassigned", "all"): (confidence < threshold).mean(),
    ("selective_accuracy", "all"): right[confidence >= threshold].mean(),
}
if of_truth.min() > epsilon:
    assert abs(metrics.log_loss(y, p, labels=classes) - expected["log_loss", "all"]) < 1e-12
precision, recall, f1_class, _ = metrics.precision_recall_fscore_support(y, predicted, labels=classes, zero_division=0)
for k, name in enumerate(classes):
    if (y == name).any() or (predicted == name).any():
        expected |= {("precision", name): precision[k], ("recall", name): recall[k], ("f1", name): f1_class[k]}
    if k in present:
        expected |= {("class_auroc", name): auroc[k], ("class_auprc", name): auprc[k]}
for name in np.unique(patient):
    at = patient == name
    expected["patient_accuracy", name] = metrics.accuracy_score(y[at], predicted[at])
    expected["patient_macro_f1", name] = metrics.f1_score(y[at], predicted[at], average="macro", zero_division=0)

rows = pq.read_table(root / "evaluation/metrics.parquet").to_pylist()
found = {(row["metric"], row["group"]): row["value"] for row in rows if row["method"] == "panfoma"}
for key, value in expected.items():
    assert key in found, f"{key} is missing"
    assert abs(found[key] - value) <= 1e-12, f"{key}: found {found[key]!r}, scikit-learn says {value!r}"

# The curves behind the figures against their definition.
def curve(name):
    with open(root / f"evaluation/figures/{name}_test.tsv") as file:
        return [row for row in csv.DictReader(file, delimiter="\t") if row.pop("method") == "panfoma"]


for b, row in enumerate(curve("reliability")):
    assert int(row["cells"]) == (bins == b).sum(), (b, row)
    if int(row["cells"]):
        assert abs(float(row["share_right"]) - right[bins == b].mean()) < 1e-12
        assert abs(float(row["mean_probability"]) - confidence[bins == b].mean()) < 1e-12
for row in curve("coverage"):
    kept = confidence >= float(row["threshold"])
    assert abs(float(row["share_assigned"]) - kept.mean()) < 1e-12
    assert abs(float(row["accuracy"]) - right[kept].mean()) < 1e-12
print(len(expected))
