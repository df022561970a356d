"""The integration table of panfoma-evaluate beside that of scib-metrics, in one run: CPU seconds (user + system), wall
seconds, peak memory.

    python bench_integration.py PANFOMA-EVALUATE OUT.jsonl [--cells 10000] [--dim 512] [--labels 20] [--batches 10]
        [--threads 2] [--without-peer]

One random embedding for both. scib-metrics computes what its Benchmarker does by default, and Leiden and the silhouette of
batches, which panfoma-evaluate also computes; PCR of the embedding only, as no counts are given. Its neighbours are
pynndescent's, ours exact. The map of panfoma-evaluate is drawn of ten cells.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

import embeddings_file

PEER = """
import json, resource, sys, time
import numpy as np
import scib_metrics as sm
from scib_metrics.nearest_neighbors import pynndescent

def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime

data = np.load(sys.argv[1])
x, labels, batches = data["x"], data["labels"], data["batches"]
seconds, values = {"import": cpu()}, {}

def timed(name, compute):
    before = cpu()
    found = compute()
    seconds[name] = cpu() - before
    if not hasattr(found, "indices"):
        values[name] = {k: float(v) for k, v in found.items()} if isinstance(found, dict) else float(found)
    return found

near = timed("neighbours", lambda: pynndescent(x, 90, random_state=0, n_jobs=int(sys.argv[2])))
of = near.subset_neighbors
timed("silhouette_label", lambda: sm.silhouette_label(x, labels))
timed("isolated_labels", lambda: sm.isolated_labels(x, labels, batches))
timed("kmeans", lambda: sm.nmi_ari_cluster_labels_kmeans(x, labels))
timed("leiden", lambda: sm.nmi_ari_cluster_labels_leiden(of(15), labels))
timed("clisi", lambda: sm.clisi_knn(near, labels))
timed("silhouette_batch", lambda: sm.silhouette_batch(x, labels, batches))
timed("bras", lambda: sm.bras(x, labels, batches))
timed("ilisi", lambda: sm.ilisi_knn(near, batches))
timed("kbet_per_label", lambda: sm.kbet_per_label(of(50), batches, labels))
timed("graph_connectivity", lambda: sm.graph_connectivity(of(15), labels))
timed("pcr_after", lambda: sm.utils.principal_component_regression(x, batches, categorical=True))
print(json.dumps({"cpu_s": {k: round(v, 2) for k, v in seconds.items()}, "values": values}))
"""

parser = argparse.ArgumentParser()
parser.add_argument("evaluate")
parser.add_argument("output")
for flag, default in {"cells": 10_000, "dim": 512, "labels": 20, "batches": 10, "threads": 2}.items():
    parser.add_argument(f"--{flag}", type=int, default=default)
parser.add_argument("--without-peer", action="store_true")
arguments = parser.parse_args()
n, dim = arguments.cells, arguments.dim


def measured(tool, command):
    """Runs a command; its CPU and wall seconds, peak memory and last line."""
    started = time.time()
    with tempfile.TemporaryFile("w+") as printed:
        process = subprocess.Popen(command, stdout=printed)
        _, status, used = os.wait4(process.pid, 0)
        assert status == 0, f"{tool} ended with {status}"
        printed.seek(0)
        lines = printed.read().splitlines()
    row = {
        "tool": tool, "cells": n, "dim": dim, "labels": arguments.labels, "batches": arguments.batches,
        "threads": arguments.threads, "cpu_s": round(used.ru_utime + used.ru_stime, 2),
        "wall_s": round(time.time() - started, 2), "peak_mib": round(used.ru_maxrss / 1024),
    }
    return row, lines[-1] if lines else ""


def note(row):
    print(json.dumps(row))
    with open(arguments.output, "a") as file:
        file.write(json.dumps(row) + "\n")


random = np.random.default_rng(0)
labels, batches = random.integers(0, arguments.labels, n), random.integers(0, arguments.batches, n)
x = random.normal(0, 1, (n, dim)).astype(np.float32)
x += (random.normal(0, 0.35, (arguments.labels, dim))[labels] + random.normal(0, 0.1, (arguments.batches, dim))[batches]).astype(np.float32)

with tempfile.TemporaryDirectory() as directory:
    directory = pathlib.Path(directory)
    text = lambda codes: [f"{code:02}" for code in codes]
    columns = {"cell_type": text(labels), "sample": text(batches)}
    embeddings_file.write(directory / "embeddings.parquet", x, columns, "bench_integration.py")
    command = f"-i {directory}/embeddings.parquet -o {directory}/out --label cell_type --batch sample --split-by cell --threads {arguments.threads} --max-map-cells 10 --max-cluster-cells {n}"
    ours, _ = measured("panfoma-evaluate", [arguments.evaluate, *command.split()])
    metrics = json.loads((directory / "out/metrics.json").read_text())["metrics"]
    ours["values"] = {row["metric"]: row["value"] for row in metrics if row["method"] == "embedding" and row["group"] == "all"}
    note(ours)
    if not arguments.without_peer:
        np.savez(directory / "data.npz", x=x, labels=labels, batches=batches)
        theirs, printed = measured("scib-metrics", [sys.executable, "-c", PEER, f"{directory}/data.npz", str(arguments.threads)])
        found = json.loads(printed)
        theirs |= {"values": found["values"], "cpu_s_of": found["cpu_s"]}
        note(theirs)
        print(f"scib-metrics takes {theirs['cpu_s'] / ours['cpu_s']:.1f} times the CPU time")
