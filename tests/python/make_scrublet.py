"""Writes tests/data/qc/scrublet.json: what scanpy's Scrublet finds in counts300.h5ad and in the known doublets of
tumor_lung_celllines_scmixology.h5ad.

python make_scrublet.py DATA ../data/qc    (scanpy 1.11.5 or 1.12.4: the same values; scikit-image 0.26 for the threshold)
"""

import importlib.metadata
import json
import sys
import warnings
from pathlib import Path

import anndata
import numpy as np
import scanpy
from sklearn.metrics import average_precision_score, roc_auc_score

warnings.filterwarnings("ignore")


def small(path):
    cells = anndata.read_h5ad(path)
    scanpy.pp.filter_cells(cells, min_genes=200)
    scanpy.pp.scrublet(cells, random_state=0)
    found = cells.uns["scrublet"]
    genes = cells.copy()
    scanpy.pp.filter_genes(genes, min_cells=3)
    scanpy.pp.normalize_total(genes)
    scanpy.pp.log1p(genes)
    scanpy.pp.highly_variable_genes(genes)
    return {
        "cells": list(cells.obs_names),
        "variable_genes": list(genes.var_names[genes.var["highly_variable"]]),
        "parents": np.asarray(found["doublet_parents"]).tolist(),
        "doublet_score": cells.obs["doublet_score"].tolist(),
        "sim_score": found["doublet_scores_sim"].tolist(),
        "threshold": float(found["threshold"]),
    }


def mixology(path):
    cells = anndata.read_h5ad(path)
    cells.obs_names_make_unique()
    truth = (cells.obs["doublet"] == "DBL").to_numpy()
    batch = cells.obs["batch"].astype(str).to_numpy()

    def area(scores):
        return {"auroc": roc_auc_score(truth, scores), "average_precision": average_precision_score(truth, scores)}

    # Pairs are random: twenty draws tell the difference between methods from that between seeds.
    overall, batches = [], {}
    for seed in range(20):
        each = cells.copy()
        scanpy.pp.scrublet(each, batch_key="batch", random_state=seed)
        scores = each.obs["doublet_score"].to_numpy()
        overall.append(area(scores))
        for name in np.unique(batch):
            of = batch == name
            batches.setdefault(name, []).append(roc_auc_score(truth[of], scores[of]))
    whole = cells.copy()
    scanpy.pp.scrublet(whole, random_state=0)
    together = area(whole.obs["doublet_score"].to_numpy())
    mean = {name: float(np.mean(areas)) for name, areas in batches.items()}
    return {"per_batch": overall, "batches": mean, "whole": together}


data, out = map(Path, sys.argv[1:])
versions = {name: importlib.metadata.version(name) for name in ["scanpy", "scikit-learn", "scikit-image", "numpy"]}
golden = {
    "versions": versions,
    "counts300": small(out / "counts300.h5ad"),
    "scmixology": mixology(data / "tumor_lung_celllines_scmixology.h5ad"),
}
(out / "scrublet.json").write_text(json.dumps(golden) + "\n")
print(json.dumps(golden["scmixology"], indent=1))
