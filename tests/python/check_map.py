"""The map of panfoma-evaluate beside umap-learn's, on real cells: trustworthiness of both (scikit-learn).

    python check_map.py PANFOMA-EVALUATE MATRIX.h5ad LABEL OUT

50 principal components of the 2,000 most variable genes' log counts (scanpy); 15 neighbours, min_dist 0.5, umap-learn from
both starts with three seeds each. Fails if ours lies more than 0.02 below the best of theirs. The map: OUT/figures.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import embeddings_file
import numpy as np
import pandas as pd
import scanpy as sc
import umap
from sklearn.manifold import trustworthiness

evaluate, matrix, label, out = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
cells = sc.read_h5ad(matrix)
sc.pp.filter_cells(cells, min_genes=1)
sc.pp.normalize_total(cells)
sc.pp.log1p(cells)
sc.pp.highly_variable_genes(cells, n_top_genes=min(2_000, cells.n_vars))
sc.pp.pca(cells, n_comps=50)
x = np.ascontiguousarray(cells.obsm["X_pca"], np.float32)

with tempfile.TemporaryDirectory() as directory:
    path = Path(directory) / "embeddings.parquet"
    columns = {label: cells.obs[label].astype(str).tolist(), "batch": cells.obs["batch"].astype(str).tolist()}
    embeddings_file.write(path, x, columns, "check_map.py")
    flags = ["--label", label, "--batch", "batch", "--split-by", "cell", "--force", "--quiet"]
    subprocess.run([evaluate, "-i", path, "-o", out, *flags], check=True)
map_of = pd.read_csv(next((out / "figures").glob("umap_*.tsv")), sep="\t").sort_values("embedding_row")
ours = trustworthiness(x, map_of[["umap_1", "umap_2"]].to_numpy(), n_neighbors=15)
fit = lambda init, seed: umap.UMAP(min_dist=0.5, init=init, random_state=seed).fit_transform(x)
theirs = [trustworthiness(x, fit(init, seed), n_neighbors=15) for init in ("spectral", "pca") for seed in range(3)]
flat = trustworthiness(x, x[:, :2], n_neighbors=15)
print(f"{matrix.stem}: {len(x)} cells, ours {ours:.3f}, umap-learn {min(theirs):.3f} to {max(theirs):.3f}, two components {flat:.3f}")
assert ours > max(theirs) - 0.02
