"""How trustworthy umap-learn's maps of the tests' 700 cells are, for panfoma-evaluate's to be compared with.

    python make_umap_goldens.py tests/data/metrics

Reads pbmc_x_post.f32 there and writes umap_learn.json. min_dist 0.5, 15 neighbours, as scanpy draws its maps.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import umap
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness

folder = Path(sys.argv[1])
x = np.fromfile(folder / "pbmc_x_post.f32", "<f4").reshape(700, 50)
maps = [umap.UMAP(min_dist=0.5, init=init, random_state=seed).fit_transform(x) for init in ("spectral", "pca") for seed in range(5)]
found = {
    "versions": {name: version(name) for name in ("umap-learn", "scikit-learn")},
    "n_neighbors": 15,
    "umap": [float(trustworthiness(x, embedding, n_neighbors=15)) for embedding in maps],
    "pca": float(trustworthiness(x, PCA(2).fit_transform(x), n_neighbors=15)),
}
(folder / "umap_learn.json").write_text(json.dumps(found, indent=1) + "\n")
