"""Areas of a ranking against a reference by scikit-learn, over a universe of pairs spelt out one by one.

    python score_network.py DIRECTORY UNIVERSE

DIRECTORY holds edges.parquet and network.csv; UNIVERSE is `all` ordered pairs of reference genes, or those from a `tf`.
"""

import csv
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_auc_score

warnings.simplefilter("error")
directory, universe = Path(sys.argv[1]), sys.argv[2]
with open(directory / "network.csv") as file:
    known = {(row["Gene1"], row["Gene2"]) for row in csv.DictReader(file)}
known = {(a, b) for a, b in known if a != b}
genes = sorted({gene for pair in known for gene in pair})
sources = genes if universe == "all" else sorted({a for a, _ in known})
scores = {}
for row in pq.read_table(directory / "edges.parquet").to_pylist():
    pair = (row["regulator"], row["target"])
    scores[pair] = max(scores.get(pair, 0.0), abs(row["score"]))
pairs = [(a, b) for a in sources for b in genes if a != b]
truth = np.array([pair in known for pair in pairs])
score = np.array([scores.get(pair, 0.0) for pair in pairs])
precision, recall, _ = precision_recall_curve(truth, score)
json.dump(
    {
        "auroc": roc_auc_score(truth, score),
        "auprc": auc(recall, precision),
        "average_precision": average_precision_score(truth, score),
    },
    sys.stdout,
)
