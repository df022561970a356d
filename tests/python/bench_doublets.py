"""Doublet scores of 10,000 simulated cells, 500 of them doublets, beside scanpy's Scrublet; one run, turn by turn.

PANFOMA_PYTHON bench_doublets.py BIN WORK [ROUNDS [MODE ...]]   BIN: the directory of the release binaries; WORK: a directory
to fill; MODE: samples (each alone) or whole (all as one)
"""

import importlib.metadata
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

CELLS, DOUBLETS, PATIENTS = 10_000, 500, 10
ONE_THREAD = {name: "1" for name in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"]}

SCANPY = """
import resource, sys, warnings
warnings.filterwarnings("ignore")
import anndata, numpy, scanpy
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
cells = anndata.read_h5ad(sys.argv[1])
scanpy.pp.filter_cells(cells, min_genes=200)
before = cpu()
scanpy.pp.scrublet(cells, batch_key="sample" if sys.argv[2] == "samples" else None, random_state=0)
print("scrublet alone", cpu() - before)
cells.obs[["truth", "doublet_score"]].to_csv(sys.argv[3])
"""


def simulate(binaries, work):
    """Cells of ten patients, of which one in twenty is the sum of two of the same sample."""
    import anndata
    import numpy
    import scipy.sparse

    path = work / "cells.h5ad"
    if path.exists():
        return path
    cohort = work / "cohort"
    command = [binaries / "panfoma-simulate-cohort", "--out", cohort, "--studies", "2", "--force"]
    command += ["--patients-per-study", str(PATIENTS), "--cells-per-patient", str(CELLS // PATIENTS * 3 // 2), "--genes", "20000"]
    if not (cohort / "study_1.h5ad").exists():
        subprocess.run(list(map(str, command)), check=True)
    cells = anndata.read_h5ad(cohort / "study_1.h5ad")
    counts = cells.layers["counts"] if "counts" in cells.layers else cells.X
    counts = scipy.sparse.csr_matrix(counts).astype("float32")
    sample = cells.obs["sample"].astype(str).to_numpy()
    random = numpy.random.default_rng(0)
    rows, samples, truth = [], [], []
    # As many of each sample as it has of all cells, up to 10,000.
    names, sizes = numpy.unique(sample, return_counts=True)
    ends = numpy.round(numpy.cumsum(sizes) / sizes.sum() * CELLS).astype(int)
    for name, n in zip(names, numpy.diff(ends, prepend=0)):
        own = random.permutation(numpy.flatnonzero(sample == name))
        n_doublets = round(n * DOUBLETS / CELLS)
        n_single = n - n_doublets
        assert len(own) >= n_single + 2 * n_doublets, f"{name} has {len(own)} cells"
        first, second = own[n_single : n_single + n_doublets], own[n_single + n_doublets : n_single + 2 * n_doublets]
        rows += [counts[own[:n_single]], counts[first] + counts[second]]
        samples += [name] * n
        truth += [0] * n_single + [1] * n_doublets
    out = anndata.AnnData(scipy.sparse.vstack(rows).tocsr(), var=cells.var)
    out.obs["sample"], out.obs["truth"], out.obs["all"] = samples, truth, "all"
    out.obs_names = [f"c{i}" for i in range(out.n_obs)]
    out.write_h5ad(path, compression="gzip")
    return path


def timed(command, environment=None):
    """Wall and CPU seconds and peak MiB of a command, and what it printed."""
    read, write = os.pipe()
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        os.dup2(write, 1)
        os.close(read)
        os.execvpe(str(command[0]), list(map(str, command)), {**os.environ, **(environment or {})})
    os.close(write)
    with os.fdopen(read) as pipe:
        printed = pipe.read()
    _, status, used = os.wait4(child, 0)
    assert status == 0, command
    return {
        "wall_s": time.monotonic() - start,
        "cpu_s": used.ru_utime + used.ru_stime,
        "peak_mib": used.ru_maxrss / 1024,
    }, printed


def area(truth, scores):
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(truth, scores))


def main():
    import anndata
    import pandas

    binaries, work = Path(sys.argv[1]), Path(sys.argv[2])
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    work.mkdir(parents=True, exist_ok=True)
    path = simulate(binaries, work)
    base = [binaries / "panfoma-qc", "-i", path, "--max-pct-mt", "100", "--threads", "1", "--force", "--quiet", "-o", work / "cells.zarr"]
    lines = []
    modes = sys.argv[4:] or ["samples", "whole"]
    for mode in modes:
        column = {"samples": "sample", "whole": "all"}[mode]
        for _ in range(rounds if mode == "samples" else 1):
            without, _ = timed([*base, "--sample-column", column])
            ours, _ = timed([*base, "--sample-column", column, "--doublets"])
            ours["scores_alone_cpu_s"] = ours["cpu_s"] - without["cpu_s"]
            obs = anndata.read_zarr(work / "cells.zarr").obs
            ours["auroc"] = area(obs["truth"].astype(float), obs["doublet_score"])
            lines.append({"mode": mode, "tool": "panfoma-qc", **ours})
            peer, printed = timed([sys.executable, "-c", SCANPY, path, mode, work / "scanpy.csv"], ONE_THREAD)
            peer["scores_alone_cpu_s"] = float(printed.split()[-1])
            scores = pandas.read_csv(work / "scanpy.csv")
            peer["auroc"] = area(scores["truth"], scores["doublet_score"])
            lines.append({"mode": mode, "tool": f"scanpy {importlib.metadata.version('scanpy')}", **peer})
            print(json.dumps(lines[-2]), json.dumps(lines[-1]), sep="\n", flush=True)
    print("| cells judged | tool | CPU s, whole run | CPU s, scores alone | wall s | peak MiB | AUROC |\n|---|---|---|---|---|---|---|")
    for mode in modes:
        for tool in dict.fromkeys(line["tool"] for line in lines):
            of = [line for line in lines if line["mode"] == mode and line["tool"] == tool]
            middle = lambda key: statistics.median(line[key] for line in of)
            numbers = " | ".join(f"{middle(key):.1f}" for key in ["cpu_s", "scores_alone_cpu_s", "wall_s"])
            print(f"| {mode} | {tool} | {numbers} | {middle('peak_mib'):.0f} | {middle('auroc'):.3f} |")


main()
