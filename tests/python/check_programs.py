"""Gene programs of a model that learnt from a tumour's cells, beside sets from the literature: what a biologist expects is
found, and scipy computes the same probabilities.

    python check_programs.py BINARIES MATRIX.h5ad SETS.gmt WORKDIR [--genes 2000] [--steps 0] [--resolution 1]
        [--expect SET ...]

Prints a row for every set with its surest program, and fails if a set of --expect has none of q below 0.05.
"""

import argparse
import pathlib
import subprocess

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, hypergeom

parser = argparse.ArgumentParser()
for name in ("binaries", "matrix", "sets", "workdir"):
    parser.add_argument(name, type=pathlib.Path)
parser.add_argument("--genes", type=int, default=2_000)
parser.add_argument("--steps", type=int, default=0)
parser.add_argument("--resolution", type=float, default=1.0)
parser.add_argument("--expect", nargs="*", default=[])
arguments = parser.parse_args()
root = arguments.workdir
root.mkdir(parents=True, exist_ok=True)


def stage(name, output, *flags):
    """Runs a stage unless its output stands already."""
    if not (root / output).exists():
        words = [arguments.binaries / f"panfoma-{name}", "--output", root / output, "--quiet", *flags]
        subprocess.run([str(word) for word in words], check=True)


stage("qc", "cells.zarr", "--input", arguments.matrix)
stage("tokenize", "tokens", "--input", root / "cells.zarr", "--split", "cell:0.9,0.1,0", "--n-top-genes", arguments.genes)
stage("pretrain", "model", "--input", root / "tokens", "--preset", "tiny", "--max-steps", arguments.steps, "--lr", "1e-3")
for old in root.glob("edges.parquet*"), root.glob("programs.parquet*"):
    [path.unlink() for path in old]
regulators = root / "regulators.txt"
regulators.write_text("\n".join(pd.read_parquet(root / "tokens/_vocabulary.parquet")["symbol"].head(5)))
stage(
    "grn", "edges.parquet", "--input", root / "tokens", "--model", root / "model", "--method", "embedding",
    "--regulators", regulators, "--programs", root / "programs.parquet", "--gene-sets", arguments.sets,
    "--resolution", arguments.resolution,
)
programs = pd.read_parquet(root / "programs.parquet")
found = pd.read_csv(root / "programs.parquet.enrichment.tsv", sep="\t")

# scipy on the same counts; pairs that share nothing have a p of 1.
p = hypergeom.sf(found["n_shared"] - 1, found["n_universe"], found["n_set"], found["n_program"])
n_sets = sum(1 for line in arguments.sets.read_text().splitlines() if line.strip())
n_tested = programs["program"].nunique() * found.loc[found["n_set"] >= 3, "gene_set"].nunique()
q = false_discovery_control(np.append(p, np.ones(n_tested - len(p))))[: len(p)]
assert np.allclose(found["p_value"], p, rtol=1e-3), "p-values differ from scipy's"
assert np.allclose(found["q_value"], q, rtol=1e-3), "q-values differ from scipy's"
print(f"{programs['program'].nunique()} programs of {programs['gene'].nunique()} genes; {len(found)} p and q as in scipy")

best = found.sort_values("p_value").drop_duplicates("gene_set")
for row in best.itertuples():
    print(f"{row.gene_set:28} program {row.program:3} shares {row.n_shared:3} of {row.n_set:3}, has {row.n_program:4}  q {row.q_value:.1e}  {row.genes}")
sure = set(best.loc[best["q_value"] < 0.05, "gene_set"])
missing = [name for name in arguments.expect if name not in sure]
assert not missing, f"no program is enriched in {missing}"
