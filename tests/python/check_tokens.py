"""Recomputes tokens from cells.zarr with anndata, numpy and scipy, and compares every row: CELLS.ZARR TOKENS."""

import json
import sys

import anndata
import numpy as np
import pyarrow.dataset
import pyarrow.parquet
from scipy.stats import rankdata

cells = anndata.read_zarr(sys.argv[1])
tokens = pyarrow.dataset.dataset(sys.argv[2], format="parquet").to_table().to_pandas()
index = json.load(open(f"{sys.argv[2]}/_index.json"))
vocabulary = pyarrow.parquet.read_table(f"{sys.argv[2]}/_vocabulary.parquet").to_pandas()
panels = pyarrow.parquet.read_table(f"{sys.argv[2]}/_panels.parquet").to_pandas()

counts = cells.X.tocsr()
if "passes_qc" in cells.obs:
    keep = cells.obs["passes_qc"].to_numpy(dtype=bool)
    cells, counts = cells[keep], counts[keep]
id_of = np.zeros(cells.n_vars, dtype=int)
by_ensembl = dict(zip(vocabulary["ensembl_id"], vocabulary["id"]))
for gene, name in enumerate(cells.var_names):
    id_of[gene] = by_ensembl.get(name, 0)
known = np.flatnonzero(id_of)
order = known[np.argsort(id_of[known])]
sub = counts[:, order].tocsr()
sub.eliminate_zeros()
sub.sort_indices()
not_empty = np.flatnonzero(np.diff(sub.indptr) > 0)

assert list(vocabulary["id"]) == list(range(1, len(vocabulary) + 1))
assert list(tokens["cell_id"]) == list(cells.obs_names[not_empty]), "cells that express a vocabulary gene, in order"
assert index["n_cells"] == len(tokens)
assert index["dropped"]["cells_without_vocabulary_gene"] == sub.shape[0] - len(not_empty)
assert index["dropped"]["genes_outside_vocabulary"] == cells.n_vars - len(known)
totals = np.asarray(counts.sum(axis=1, dtype=np.float64)).ravel()
assert np.array_equal(tokens["total_counts"], totals[not_empty])
top, binning = index["n_bins"] - 1, index["binning"]


def quantile_bins(values):
    # The average rank, less a half, over n is (#smaller + #equal / 2) / n.
    fraction = (rankdata(values, method="average") - 0.5) / len(values)
    return np.minimum(1 + np.floor(top * fraction + 1e-9), top)


def scgpt_spans(values):
    edges = np.quantile(values, np.linspace(0, 1, top))
    return np.digitize(values, edges), np.digitize(values, edges, right=True)


for row, cell in zip(tokens.itertuples(), not_empty):
    start, end = sub.indptr[cell], sub.indptr[cell + 1]
    values = sub.data[start:end]
    assert row.n_genes == end - start
    assert np.array_equal(row.gene_ids, id_of[order[sub.indices[start:end]]])
    assert np.array_equal(row.counts, values)
    if binning == "quantile":
        assert np.array_equal(row.bins, quantile_bins(values)), row.cell_id
    elif binning == "scgpt-midpoint":
        left, right = scgpt_spans(values)
        assert np.array_equal(row.bins, np.ceil(0.5 * (right - left) + left)), row.cell_id
    elif binning == "scgpt":
        left, right = scgpt_spans(values)
        assert ((row.bins <= left) & (row.bins > np.minimum(right, left - 1))).all(), row.cell_id
    else:
        factor = np.float64(np.float32(1e4) / np.float32(row.total_counts))
        value = values.astype(np.float64) * factor / vocabulary["median"].to_numpy()[row.gene_ids - 1]
        ranks = np.empty(len(value), dtype=int)
        ranks[np.lexsort((row.gene_ids, -value))] = np.arange(1, len(value) + 1)
        assert np.array_equal(row.ranks, ranks), row.cell_id
        assert np.array_equal(row.bins, quantile_bins(value)), row.cell_id
assert ("ranks" in tokens) == ("median" in vocabulary) == (binning == "rank")

for name in index["label_columns"] + index["group_columns"]:
    expected = cells.obs[name].iloc[not_empty].astype(object)
    expected = [None if value != value else str(value) for value in expected]
    assert list(tokens[name]) == expected, name
by = index["split"]["by"]
if by != "cell":
    assert (tokens.groupby(by)["split"].nunique() == 1).all(), "a group spans two splits"
for split, n in index["split"]["cells"].items():
    assert (tokens["split"] == split).sum() == n

measured = np.asarray(cells.varm["measured"])
studies = list(cells.uns["panfoma"]["studies"])
assert list(panels["study"]) == studies
for panel, study in enumerate(studies):
    assert list(panels["gene_ids"][panel]) == sorted(id_of[known][measured[known, panel]])
assert [studies[panel] for panel in tokens["panel"]] == list(cells.obs["study"].iloc[not_empty])

for modality in index.get("modalities", []):
    name = modality["name"]
    features = pyarrow.parquet.read_table(f"{sys.argv[2]}/_features_{name}.parquet").to_pandas()
    assert list(features["id"]) == list(range(1, modality["n_features"] + 1))
    assert list(features["name"]) == list(cells.uns["panfoma"]["features"][name])
    expected = cells.obsm[name].tocsr()[not_empty]
    lists = tokens[[f"{name}_ids", f"{name}_counts"]].itertuples(index=False)
    for (ids, values), start, end in zip(lists, expected.indptr, expected.indptr[1:]):
        assert np.array_equal(ids, expected.indices[start:end] + 1)
        assert np.array_equal(values, expected.data[start:end])

selection = "given"
if index["vocabulary"]["selection"] != "given by `--vocabulary`":
    # Statistics of training cells only; the split of a cell that was left out cannot be read.
    assert index["dropped"]["cells_without_vocabulary_gene"] == 0, "choose an input without such cells"
    train = counts[not_empty[(tokens["split"] == "train").to_numpy()]]
    study = cells.obs["study"].iloc[not_empty].to_numpy()[(tokens["split"] == "train").to_numpy()]
    assert np.array_equal(vocabulary["n_cells"], np.asarray((train[:, order] > 0).sum(axis=0)).ravel())
    sizes = np.asarray(train.sum(axis=1, dtype=np.float64)).ravel()
    logs = train[:, order].astype(np.float64).multiply(1e4 / sizes[:, None]).log1p()
    n_measured = measured[order] @ np.array([(study == name).sum() for name in studies])
    means = np.asarray(logs.sum(axis=0)).ravel() / n_measured
    assert np.allclose(vocabulary["mean"], means, rtol=1e-5)
    if binning == "rank":
        # Non-zero counts per 10,000; exact up to 512 of them, then within half a bin of 128 an octave.
        factor = (np.float32(1e4) / sizes.astype(np.float32)).astype(np.float64)
        scaled = train[:, order].astype(np.float64).multiply(factor[:, None]).tocsc()
        exact = np.array([np.median(scaled.data[a:b]) for a, b in zip(scaled.indptr, scaled.indptr[1:])])
        few = vocabulary["n_cells"].to_numpy() <= 512
        assert few.any() and np.array_equal(vocabulary["median"][few], exact[few])
        assert np.allclose(vocabulary["median"], exact, rtol=0.5 / 128, atol=0)
    selection = "fitted"
    config = index["provenance"]["config"] or {}
    n_top, min_cells = config.get("n_top_genes"), config.get("min_cells") or 3
    if n_top is None:
        expressed = np.asarray((train > 0).sum(axis=0)).ravel() >= min_cells
        assert set(vocabulary["ensembl_id"]) == set(cells.var_names[expressed])
    elif len(studies) == 1:
        import scanpy

        normalised = anndata.AnnData(train.astype(np.float64), var=cells.var[[]].copy())
        scanpy.pp.normalize_total(normalised, target_sum=1e4)
        scanpy.pp.log1p(normalised)
        scanpy.pp.highly_variable_genes(normalised, flavor="seurat", n_top_genes=n_top)
        normalised.var["n_cells"] = np.asarray((train > 0).sum(axis=0)).ravel()
        allowed = normalised.var[normalised.var["n_cells"] >= min_cells]
        best = allowed.sort_values("dispersions_norm", ascending=False).head(n_top)
        assert set(best.index) == set(vocabulary["ensembl_id"]), "not scanpy's most variable genes"
        selection = "scanpy's"
print(f"{len(tokens)} cells, {len(vocabulary)} genes, selection {selection}: equal")
