"""Makes tests/data/qc/removed_by.csv and samples.csv: the MAD rule and the medians by numpy on scanpy's columns.

    python make_qc_goldens.py counts300.h5ad qc_obs.csv OUT_DIRECTORY

qc_obs.csv is scanpy 1.12's calculate_qc_metrics(qc_vars=["mt", "ribo"]) of counts300.h5ad.
"""

import sys

import anndata
import numpy as np
import pandas as pd

matrix, obs, out = sys.argv[1:]
cells = pd.read_csv(obs, index_col=0)
batch = anndata.read_h5ad(matrix).obs["batch"].astype(str).to_numpy()
rule = np.full(len(cells), "", dtype=object)


def remove(name, where):
    rule[(rule == "") & where] = name


def outliers(values, k, upper):
    found = np.zeros(len(values), bool)
    for sample in np.unique(batch):
        here = batch == sample
        middle = np.nanmedian(values[here])
        mad = np.nanmedian(np.abs(values[here] - middle))
        distance = values[here] - middle if upper else np.abs(values[here] - middle)
        found[here] = distance > k * mad
    return found


remove("min_genes", (cells.n_genes_by_counts < min(200, np.ceil(3000 * 0.05))).to_numpy())
remove("max_pct_mt", (cells.pct_counts_mt > 20).to_numpy())
# In f64: scanpy's own logarithm of a float32 sum is no bound to be exact about.
remove("max_mads_counts", outliers(np.log1p(cells.total_counts.to_numpy(float)), 2.5, False))
remove("max_mads_genes", outliers(np.log1p(cells.n_genes_by_counts.to_numpy(float)), 2.5, False))
share = (cells.total_counts_mt / cells.total_counts * 100).to_numpy(float)
remove("max_mads_mt", outliers(share, 3, True))
pd.DataFrame({"cell": cells.index, "rule": rule}).to_csv(f"{out}/removed_by.csv", index=False)

rows = []
for sample in pd.unique(batch):
    here = batch == sample
    row = {"study": "counts300", "sample": f"counts300:{sample}", "cells": here.sum()}
    for name in ["min_genes", "max_pct_mt", "max_mads_counts", "max_mads_genes", "max_mads_mt"]:
        row[f"removed_{name}"] = (rule[here] == name).sum()
    row["passed"] = (rule[here] == "").sum()
    for prefix, which in [("", here), ("passed_", here & (rule == ""))]:
        for name in ["n_genes_by_counts", "total_counts", "pct_counts_in_top_50_genes", "pct_counts_mt", "pct_counts_ribo"]:
            row[f"{prefix}median_{name}"] = np.nanmedian(cells[name].to_numpy(float)[which])
    rows.append(row)
pd.DataFrame(rows).to_csv(f"{out}/samples.csv", index=False)
