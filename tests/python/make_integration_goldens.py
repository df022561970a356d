"""Packs what scib-metrics 0.6.1 in double precision found on 700 cells of pbmc68k_reduced for the tests.

Usage: make_integration_goldens.py GOLDENS OUT   (GOLDENS holds pbmc_emb.npz, scibm_x64.npz, scibm_x64.json, scibm_f32.json)
Needs numpy, pyarrow and safetensors.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow
from safetensors.numpy import save

goldens, out = map(Path, sys.argv[1:])
arrays = np.load(goldens / "scibm_x64.npz")
rows = np.repeat(np.arange(700), np.diff(arrays["conn15_indptr"]))
half = rows < arrays["conn15_indices"]
tensors = {
    "x_pre": np.load(goldens / "pbmc_emb.npz")["X_pre"].astype(np.float32),
    "knn": arrays["knn_idx"].astype(np.uint16),
    "conn15_from": rows[half].astype(np.uint16),
    "conn15_to": arrays["conn15_indices"][half].astype(np.uint16),
    "conn15": arrays["conn15_data"][half],
    "silhouette": arrays["sil_samples_label"],
    "lisi_batch": arrays["lisi_batch"],
    "lisi_label": arrays["lisi_label"],
    "kbet_p": arrays["kbet_p"],
}
tensors = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
packed = pyarrow.Codec("zstd", 19).compress(save(tensors), asbytes=True)
(out / "integration_pbmc.safetensors.zst").write_bytes(packed)

found = json.loads((goldens / "scibm_x64.json").read_text())
found["kmeans_seeds0_19"] = json.loads((goldens / "scibm_f32.json").read_text())["kmeans_seeds0_19"]
found["kbet_per_label"] = found["kbet_per_label"][0]
found["kbet_per_label_df"] = found["kbet_per_label_df"][0]
found["edge"] = {name: value if value == value else None for name, value in found["edge"].items()}
(out / "integration_pbmc.json").write_text(json.dumps(found, indent=1, allow_nan=False) + "\n")
