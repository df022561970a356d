"""Reads everything a complete run wrote with the tools users have, every warning an error.

    python read_artifacts.py RUN

Checks schemas and counts against ARCHITECTURE.md and prints one JSON object of numbers for the test to compare.
"""

import csv
import json
import sys
import warnings
from pathlib import Path

import anndata
import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
from scipy.stats import hypergeom

warnings.simplefilter("error")
root = Path(sys.argv[1])
out = {}


def header(text, expected):
    found = json.loads(text)
    assert found["format"] == expected and found["version"] == 1, found
    assert found["provenance"]["tool"].startswith("panfoma-"), found
    return found


def columns(schema, expected):
    for name, kind in expected.items():
        assert name in schema.names, f"no column {name} in {schema.names}"
        assert schema.field(name).type == kind, f"{name} is {schema.field(name).type}, expected {kind}"


def fixed(value, schema, name):
    kind = schema.field(name).type
    assert pa.types.is_fixed_size_list(kind) and kind.value_type == value, kind
    return kind.list_size


# The simulated cohort is what the field writes.
cohort = [anndata.read_h5ad(path) for path in sorted((root / "cohort").glob("study_*.h5ad"))]
out["cohort_cells"] = sum(study.n_obs for study in cohort)
for study in cohort:
    assert study.X.dtype == np.float32 and (study.X.data == np.round(study.X.data)).all()
    assert {"cell_type", "cancer_type", "malignant", "batch", "study"} <= set(study.obs)

# cells.zarr
cells = anndata.read_zarr(root / "cells.zarr")
out["cells"], out["genes"] = cells.shape
header(str(cells.uns["panfoma"]["header"]), "panfoma.cells")
assert cells.X.format == "csr" and cells.X.dtype == np.float32
assert (cells.X.data == np.round(cells.X.data)).all() and (cells.X.data > 0).all()
assert cells.obs_names.is_unique and cells.var_names.is_unique
assert cells.var_names.str.match(r"^ENSG\d{11}$").all()
np.testing.assert_allclose(np.asarray(cells.X.sum(axis=1)).ravel(), cells.obs["total_counts"], rtol=1e-6)
np.testing.assert_array_equal(cells.X.getnnz(axis=1), cells.obs["n_genes_by_counts"])
mt = cells.var["symbol"].astype(str).str.startswith("MT-").to_numpy()
np.testing.assert_array_equal(mt, cells.var["mt"].to_numpy().astype(bool))
share = 100 * np.asarray(cells.X[:, mt].sum(axis=1)).ravel() / cells.obs["total_counts"].to_numpy()
np.testing.assert_allclose(share, cells.obs["pct_counts_mt"], rtol=1e-5, atol=1e-5)
measured = np.asarray(cells.varm["measured"])
assert measured.dtype == bool and measured.shape == (cells.n_vars, len(cohort))
# A study without the gene holds no count of it.
for study, column in zip(cells.uns["panfoma"]["studies"], measured.T):
    rows = (cells.obs["study"].astype(str) == str(study)).to_numpy()
    assert rows.any() and cells.X[rows][:, ~column].nnz == 0
# Against the matrices themselves: every cell, matched by its barcode.
total = {name: total for study in cohort for name, total in zip(study.obs_names, np.asarray(study.X.sum(axis=1)).ravel())}
barcodes = [name.split(":", 1)[-1] for name in cells.obs_names]
np.testing.assert_allclose([total[name] for name in barcodes], cells.obs["total_counts"], rtol=1e-6)

# tokens/
index = json.loads((root / "tokens/_index.json").read_text())
assert (index["format"], index["version"]) == ("panfoma.tokens", 1)
table = pyarrow.dataset.dataset(root / "tokens").to_table()
columns(
    table.schema,
    {
        "cell_id": pa.string(),
        "study": pa.string(),
        "patient": pa.string(),
        "cell_type": pa.string(),
        "split": pa.string(),
        "panel": pa.uint16(),
        "total_counts": pa.float64(),
        "n_genes": pa.uint32(),
    },
)
for name, kind in {"gene_ids": pa.uint32(), "counts": pa.float32(), "bins": pa.uint8()}.items():
    assert table.schema.field(name).type.value_type == kind
vocabulary = pq.read_table(root / "tokens/_vocabulary.parquet").to_pydict()
assert vocabulary["id"] == list(range(1, len(vocabulary["id"]) + 1))
tokens = table.to_pydict()
out["tokens"] = table.num_rows
out["n_bins"] = index["n_bins"]
# Each cell's genes and counts are those of its row of X.
row_of = {name: row for row, name in enumerate(cells.obs_names)}
column_of = {name: column for column, name in enumerate(cells.var_names)}
to_column = np.array([-1] + [column_of[gene] for gene in vocabulary["ensembl_id"]])
for cell, ids, counts, bins in zip(tokens["cell_id"], tokens["gene_ids"], tokens["counts"], tokens["bins"]):
    row = np.zeros(cells.n_vars, np.float32)
    row[to_column[ids]] = counts
    expected = cells.X[row_of[cell]].toarray().ravel()
    keep = np.zeros(cells.n_vars, bool)
    keep[to_column[1:]] = True
    np.testing.assert_array_equal(row, np.where(keep, expected, 0))
    assert (np.diff(ids) > 0).all() and min(bins) >= 1 and max(bins) < index["n_bins"]
    # More counts, no lower bin.
    order = np.argsort(counts, kind="stable")
    assert (np.diff(np.array(bins)[order]) >= 0).all()
splits = {}
for split, patient in zip(tokens["split"], tokens["patient"]):
    splits.setdefault(patient, set()).add(split)
assert all(len(of) == 1 for of in splits.values()), splits
out["splits"] = sorted({split for of in splits.values() for split in of})
panels = pq.read_table(root / "tokens/_panels.parquet").to_pydict()
for study, genes in zip(panels["study"], panels["gene_ids"]):
    column = measured[:, [str(name) for name in cells.uns["panfoma"]["studies"]].index(study)]
    assert genes == [i for i in range(1, len(to_column)) if column[to_column[i]]]

# model/ and annotator/
for name, kind in {"model": "pretrain", "annotator": "finetune"}.items():
    config = json.loads((root / name / "config.json").read_text())
    assert (config["format"], config["version"], config["kind"]) == ("panfoma.model", 1, kind)
    assert config["vocabulary"]["digest"] == index["vocabulary"]["digest"]
    history = pq.read_table(root / name / "metrics.parquet")
    columns(history.schema, {"step": pa.uint64(), "epoch": pa.uint32(), "split": pa.string(), "metric": pa.string(), "value": pa.float64()})
    assert np.isfinite(history["value"].to_numpy()).all() and history.num_rows > 0
classes = json.loads((root / "annotator/label_map.json").read_text())["classes"]
out["classes"] = classes

# embeddings.parquet
table = pq.read_table(root / "embeddings.parquet")
header(pq.read_metadata(root / "embeddings.parquet").metadata[b"panfoma"], "panfoma.embeddings")
columns(table.schema, {"cell_id": pa.string(), "split": pa.string(), "cell_type": pa.string()})
d_model = fixed(pa.float32(), table.schema, "embedding")
embedding = np.stack(table["embedding"].to_numpy(zero_copy_only=False))
assert np.isfinite(embedding).all() and embedding.std(axis=0).min() > 0
assert table["cell_id"].to_pylist() == tokens["cell_id"]
out["embeddings"], out["d_model"] = table.num_rows, d_model

# predictions.parquet
table = pq.read_table(root / "predictions.parquet")
found = header(pq.read_metadata(root / "predictions.parquet").metadata[b"panfoma"], "panfoma.predictions")
assert found["classes"] == classes and found["label_column"] == "cell_type", found
columns(
    table.schema,
    {"cell_id": pa.string(), "label": pa.string(), "top_label": pa.string(), "predicted": pa.string(),
     "probability": pa.float32(), "entropy": pa.float32()},
)
assert fixed(pa.float32(), table.schema, "probabilities") == len(classes)
p = np.stack(table["probabilities"].to_numpy(zero_copy_only=False)).astype(float)
np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)
np.testing.assert_array_equal([classes[i] for i in p.argmax(axis=1)], table["top_label"].to_pylist())
np.testing.assert_allclose(p.max(axis=1), table["probability"].to_numpy(), atol=1e-6)
np.testing.assert_allclose(-(p * np.log(np.maximum(p, 1e-30))).sum(axis=1), table["entropy"].to_numpy(), atol=1e-4)
below = table["probability"].to_numpy() < found["unassigned_below"]
expected = np.where(below, "unassigned", table["top_label"].to_numpy(zero_copy_only=False))
np.testing.assert_array_equal(expected, table["predicted"].to_numpy(zero_copy_only=False))
assert table["label"].to_pylist() == tokens["cell_type"]

# annotated.zarr
annotated = anndata.read_zarr(root / "annotated.zarr")
rows = [row_of[name] for name in tokens["cell_id"]]
np.testing.assert_array_equal(np.asarray(annotated.obsm["X_panfoma"])[rows], embedding)
assert list(annotated.obs_names) == list(cells.obs_names) and (annotated.X != cells.X).nnz == 0

# edges.parquet
table = pq.read_table(root / "edges.parquet")
header(pq.read_metadata(root / "edges.parquet").metadata[b"panfoma"], "panfoma.edges")
columns(
    table.schema,
    {"regulator": pa.string(), "target": pa.string(), "score": pa.float32(), "rank": pa.uint32(),
     "group": pa.string(), "method": pa.string()},
)
edges = table.to_pandas()
regulators = set((root / "cohort/truth/regulators.txt").read_text().split())
assert set(edges["regulator"]) <= regulators and set(edges["target"]) <= set(vocabulary["symbol"])
assert (edges["regulator"] != edges["target"]).all()
assert not edges.duplicated(["group", "method", "regulator", "target"]).any()
for _, network in edges.groupby(["group", "method"]):
    assert network["rank"].tolist() == list(range(1, len(network) + 1))
    assert (np.diff(network["score"].abs()) <= 0).all()
# Only correlation has a sign; trees and attention cannot tell.
assert set(edges.loc[edges["score"] < 0, "method"]) == {"pearson", "spearman"}
out["networks"] = sorted(f"{method} {group}" for group, method in set(zip(edges["group"], edges["method"])))
# Cosines of the embeddings themselves: an outside computation of the same scores.
from_model = edges[edges["method"] == "embedding"].head(200)
raw = (root / "model/model.safetensors").read_bytes()
n = int.from_bytes(raw[:8], "little")
tensors = json.loads(raw[8 : 8 + n])
names = [name for name, t in tensors.items() if name != "__metadata__" and t["shape"] == [len(to_column), d_model]]
assert len(names) == 1, names
start, end = tensors[names[0]]["data_offsets"]
genes = np.frombuffer(raw[8 + n + start : 8 + n + end], "<f4").reshape(-1, d_model).astype(float)
id_of = dict(zip(vocabulary["symbol"], vocabulary["id"]))
a, b = (genes[[id_of[name] for name in from_model[column]]] for column in ["regulator", "target"])
cosine = (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
np.testing.assert_allclose(from_model["score"], cosine, atol=1e-6)

# programs.parquet and its enrichment
table = pq.read_table(root / "programs.parquet")
header(pq.read_metadata(root / "programs.parquet").metadata[b"panfoma"], "panfoma.programs")
columns(
    table.schema,
    {"program": pa.uint32(), "gene": pa.string(), "ensembl_id": pa.string(), "weight": pa.float32()},
)
programs = table.to_pandas()
assert programs["ensembl_id"].is_unique and set(programs["ensembl_id"]) <= set(vocabulary["ensembl_id"])
sizes = programs.groupby("program").size()
assert sizes.index.tolist() == list(range(1, len(sizes) + 1)) and sizes.is_monotonic_decreasing and sizes.min() >= 3
assert programs.groupby("program")["weight"].apply(lambda weights: weights.is_monotonic_decreasing).all()
with open(root / "programs.parquet.enrichment.tsv") as file:
    rows = list(csv.DictReader(file, delimiter="\t"))
assert rows
for row in rows:
    shared = set(row["genes"].split(","))
    assert shared <= set(programs.loc[programs["program"] == int(row["program"]), "gene"])
    drawn = [int(row[name]) for name in ("n_shared", "n_universe", "n_set", "n_program")]
    expected = hypergeom.sf(drawn[0] - 1, *drawn[1:])
    assert abs(float(row["p_value"]) / expected - 1) < 1e-3, (row, expected)
    assert len(shared) == int(row["n_shared"]) and float(row["p_value"]) <= float(row["q_value"]) <= 1

# evaluation/
metrics = json.loads((root / "evaluation/metrics.json").read_text())
assert (metrics["format"], metrics["version"]) == ("panfoma.evaluation", 1)
table = pq.read_table(root / "evaluation/metrics.parquet")
columns(
    table.schema,
    {"metric": pa.string(), "value": pa.float64(), "reason": pa.string(), "n": pa.uint64(), "split": pa.string(),
     "group": pa.string(), "method": pa.string(), "definition": pa.string()},
)
for value, reason in zip(table["value"].to_pylist(), table["reason"].to_pylist()):
    assert (value is None) == (reason is not None), (value, reason)
out["metrics"] = sorted(set(table["metric"].to_pylist()))
out["methods"] = sorted(set(table["method"].to_pylist()))
neighborhoods = pq.read_table(root / "evaluation/neighborhoods.parquet")
columns(
    neighborhoods.schema,
    {"cell_id": pa.string(), "method": pa.string(), "label": pa.string(), "batch": pa.string(),
     "lisi_label": pa.float64(), "lisi_batch": pa.float64(), "kbet_p_value": pa.float64()},
)
values = {(row["metric"], row["method"]): row["value"] for row in table.to_pylist() if row["group"] == "all"}
for method, cells in neighborhoods.to_pandas().groupby("method"):
    assert cells["cell_id"].is_unique, method
    n_labels, n_batches = cells["label"].nunique(), cells["batch"].nunique()
    of_cells = {
        "clisi": ("lisi_label", lambda of: (n_labels - of.median()) / (n_labels - 1)),
        "ilisi": ("lisi_batch", lambda of: (of.median() - 1) / (n_batches - 1)),
        "kbet": ("kbet_p_value", lambda of: (of >= 0.05).mean()),
    }
    for name, (column, summary) in of_cells.items():
        of, value = cells[column].dropna(), values[name, method]
        # Of too few cells there is neither.
        assert of.empty if value is None else abs(value - summary(of)) < 1e-9, (name, method, value)
html = (root / "evaluation/report.html").read_text()
assert html.lstrip().lower().startswith("<!doctype html") and "http://" not in html.replace("http://www.w3.org", "")

print(json.dumps(out))
