"""Values of scikit-learn that the goldens of `cls.json` lack, on the same inputs: `tests/data/metrics/cls_more.json`,
and label transfer by nearest neighbours: `transfer.json`.

Run by hand: python tests/python/make_classification_goldens.py tests/data/metrics
"""

import json
import sys
from pathlib import Path

import numpy as np
import sklearn
from sklearn import metrics
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

folder = Path(sys.argv[1])
inputs = json.loads((folder / "cls_inputs.json").read_text())
y, p = np.array(inputs["y"]), np.array(inputs["P"])
one_hot = np.eye(p.shape[1])[y]


def per_class(p):
    return {
        "auroc_per_class": [metrics.roc_auc_score(one_hot[:, k], p[:, k]) for k in range(p.shape[1])],
        "auprc_per_class": [metrics.average_precision_score(one_hot[:, k], p[:, k]) for k in range(p.shape[1])],
    }


def logistic_l1():
    """The 700 cells of `pbmc_x_post.f32`, columns divided by their standard deviation; l1 = 0.01 is C = 1 / (700 * 0.01)."""
    scale = np.array(json.loads((folder / "logistic.json").read_text())["scale"])
    x = np.fromfile(folder / "pbmc_x_post.f32", "<f4").reshape(700, 50).astype(float) / scale
    rows = [line.split(",") for line in (folder / "pbmc_obs.csv").read_text().splitlines()[1:]]
    labels = np.unique([row[1] for row in rows], return_inverse=True)[1]
    model = LogisticRegression(C=1 / 7, l1_ratio=1, solver="saga", tol=1e-9, max_iter=50_000, random_state=0).fit(x, labels)
    p = model.predict_proba(x)
    return {
        "loss": metrics.log_loss(labels, p),
        "first": p[0].tolist(),
        "n_used": int((model.coef_ != 0).any(0).sum()),
    }


def transfer():
    """Labels of the first 500 of the 700 cells, given to the last 200 by their 15 nearest."""
    x = np.fromfile(folder / "pbmc_x_post.f32", "<f4").reshape(700, 50).astype(float)
    rows = [line.split(",") for line in (folder / "pbmc_obs.csv").read_text().splitlines()[1:]]
    labels = np.array([row[1] for row in rows])
    model = KNeighborsClassifier(15, algorithm="brute").fit(x[:500], labels[:500])
    alone = NearestNeighbors(n_neighbors=15, algorithm="brute").fit(x[:500])
    usual = alone.kneighbors()[0][:, -1]  # without arguments, a cell is not its own neighbour
    distance = alone.kneighbors(x[500:])[0][:, -1]
    return {
        "classes": model.classes_.tolist(),
        "votes": np.rint(model.predict_proba(x[500:]) * 15).astype(int).tolist(),
        "predicted": model.predict(x[500:]).tolist(),
        "distance": distance.tolist(),
        "novelty": [float((usual < d).mean()) for d in distance],
    }


confidence, right = p.max(1), (p.argmax(1) == y).astype(int)
# scikit-learn bins [low, high), ours (low, high]: the same where no confidence lies on an edge, as here.
accuracy, mean = calibration_curve(right, confidence, n_bins=15)
edges = np.linspace(0, 1, 16)
assert not np.isin(confidence, edges).any()
counts = np.histogram(confidence, edges)[0]
found = {
    "sklearn": sklearn.__version__,
    "A": per_class(np.round(p * 1e9) / 1e9),
    "A_ties": per_class(np.floor(p * 10 + 0.5) / 10),
    "brier": metrics.brier_score_loss(y, p, scale_by_half=False),
    "reliability": {
        "n": counts[counts > 0].tolist(),
        "accuracy": accuracy.tolist(),
        "confidence": mean.tolist(),
    },
    "ece": float((np.abs(accuracy - mean) * counts[counts > 0]).sum() / len(y)),
    "logistic_l1": logistic_l1(),
    "top3": metrics.top_k_accuracy_score(y, p, k=3),
}
(folder / "transfer.json").write_text(json.dumps(transfer()) + "\n")
(folder / "cls_more.json").write_text(json.dumps(found, indent=1) + "\n")
