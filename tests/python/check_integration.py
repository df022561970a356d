"""What scib-metrics and scikit-learn say of a fresh random embedding, for `tests/tests/integration_peers.rs` to compare.

    python check_integration.py OUT [SEED]

Writes OUT/embeddings.parquet, in which every cell is a test cell with a label and a batch, and prints one JSON object:
the seed, metrics by the names of panfoma-evaluate, and those of k-means and Leiden, which depend on random starts.
Neighbours are exact and everything but k-means and Leiden is in double precision.
"""

import json
import os
import sys
from pathlib import Path

import jax

jax.config.update("jax_enable_x64", True)

import embeddings_file
import numpy as np
import scib_metrics as sm
from scib_metrics.nearest_neighbors import NeighborsResults
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score, silhouette_score

out = Path(sys.argv[1])
seed = int(sys.argv[2]) if len(sys.argv) > 2 else int.from_bytes(os.urandom(4), "little")
random = np.random.default_rng(seed)

# Six labels of unequal size, the last in one batch only; four batches of unequal size, each shifted a little.
n, dim = 1_200, 24
label = random.choice(6, n, p=[0.3, 0.25, 0.2, 0.12, 0.08, 0.05])
batch = np.where(label == 5, 0, random.choice(4, n, p=[0.4, 0.3, 0.2, 0.1]))
centres, shifts = random.normal(0, 1.5, (6, dim)), random.normal(0, 0.3, (4, dim))
x = (3 + centres[label] + shifts[batch] + random.normal(0, 1, (n, dim))).astype(np.float32)
labels, batches = np.char.add("type ", label.astype(str)), np.char.add("batch ", batch.astype(str))

columns = {"cell_type": labels, "sample": batches}
embeddings_file.write(out / "embeddings.parquet", x, columns, "check_integration.py", seed)

wide = x.astype(np.float64)
distances = cdist(wide, wide)
np.fill_diagonal(distances, -1)
order = np.argsort(distances, axis=1, kind="stable")[:, :90]
np.fill_diagonal(distances, 0)
near = {k: NeighborsResults(order[:, :k].astype(np.int32), np.take_along_axis(distances, order[:, :k], 1)) for k in (15, 50, 90)}

metrics = {
    "silhouette_label": (silhouette_score(wide, labels) + 1) / 2,
    "silhouette_batch": sm.silhouette_batch(wide, labels, batches),
    "bras": sm.bras(wide, labels, batches),
    "isolated_labels": sm.isolated_labels(wide, labels, batches),
    "clisi": sm.clisi_knn(near[90], labels),
    "ilisi": sm.ilisi_knn(near[90], batches),
    "graph_connectivity": sm.graph_connectivity(near[15], labels),
    "kbet": sm.kbet(near[50], batches)[0],
    "kbet_per_label": sm.kbet_per_label(near[50], batches, labels),
    "pcr_after": sm.utils.principal_component_regression(wide, batches, categorical=True),
}
clusters = KMeans(6, n_init=10, random_state=0).fit_predict(wide)
random_starts = {
    "nmi_kmeans": normalized_mutual_info_score(labels, clusters),
    "ari_kmeans": adjusted_rand_score(labels, clusters),
}
random_starts |= {f"{name}_leiden": value for name, value in sm.nmi_ari_cluster_labels_leiden(near[15], labels).items()}
numbers = lambda found: {name: float(value) for name, value in found.items()}
print(json.dumps({"seed": seed, "scib_metrics": sm.__version__, "metrics": numbers(metrics), "random_starts": numbers(random_starts)}))
