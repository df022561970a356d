"""panfoma-qc beside scanpy, and panfoma-tokenize beside scGPT's binning, on the same files in one run: CPU seconds (user +
system), wall seconds, peak memory.

    python bench_qc.py BIN OUT.jsonl FILE.h5ad... [--repeats 3] [--threads 1] [--only qc|tokenize]

BIN is the directory of the release binaries; the whole comparison takes c50k_gz, c50k_plain, c200k_gz and c200k_plain, as
make_bench_matrix.py makes them.

qc: both read the counts, compute the metrics of `calculate_qc_metrics`, remove cells of fewer than 200 genes or more than
20 % mitochondrial counts and genes in fewer than 3 cells, and write what is left compressed: scanpy as h5ad with gzip if
the name says `gz`, else plain; panfoma-qc as cells.zarr.

tokenize: both read that cells.zarr, bin every cell's counts by scGPT's rule and write Parquet (see bench_scgpt_binning.py).

One thread each, in turn. The figure is the median of the repeats.
"""

import argparse
import json
import os
import pathlib
import statistics
import sys
import tempfile
import time

SCANPY = """
import sys, warnings
warnings.filterwarnings("ignore")
import scanpy
adata = scanpy.read_h5ad(sys.argv[1])
adata.var["mt"] = adata.var_names.str.startswith("MT-")
adata.var["ribo"] = adata.var_names.str.startswith(("RPS", "RPL"))
scanpy.pp.calculate_qc_metrics(adata, qc_vars=["mt", "ribo"], inplace=True)
adata = adata[adata.obs["pct_counts_mt"] <= 20].copy()
scanpy.pp.filter_cells(adata, min_genes=200)
scanpy.pp.filter_genes(adata, min_cells=3)
adata.write_h5ad(sys.argv[2], compression=sys.argv[3] or None)
"""
BINNING = str(pathlib.Path(__file__).with_name("bench_scgpt_binning.py"))

parser = argparse.ArgumentParser()
parser.add_argument("binaries", type=pathlib.Path)
parser.add_argument("output")
parser.add_argument("files", nargs="+")
parser.add_argument("--repeats", type=int, default=3)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--only", choices=["qc", "tokenize"])
arguments = parser.parse_args()


def run(command):
    """CPU seconds, wall seconds and peak MiB of a process."""
    started = time.monotonic()
    one = {name: "1" for name in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "BLOSC_NTHREADS"]}
    nowhere = os.open(os.devnull, os.O_WRONLY)
    child = os.posix_spawn(command[0], command, {**os.environ, **one}, file_actions=[(os.POSIX_SPAWN_DUP2, nowhere, 1)])
    os.close(nowhere)
    _, status, used = os.wait4(child, 0)
    if status != 0:
        sys.exit(f"{command} ended with {status}")
    return used.ru_utime + used.ru_stime, time.monotonic() - started, used.ru_maxrss / 1024


def compared(file, stage, peer, commands):
    """Runs the two commands in turn and prints the medians of each."""
    figures = {peer: [], f"panfoma-{stage}": []}
    for _ in range(arguments.repeats):
        for tool, command in zip(figures, commands):
            figures[tool].append(run([str(part) for part in command]))
    medians = {tool: [statistics.median(column) for column in zip(*runs)] for tool, runs in figures.items()}
    for tool, (cpu, wall, peak) in medians.items():
        line = {"file": file.name, "stage": stage, "tool": tool}
        line |= {"cpu_s": round(cpu, 2), "wall_s": round(wall, 2), "peak_mib": round(peak)}
        with open(arguments.output, "a") as lines:
            lines.write(json.dumps(line) + "\n")
        print(f"{file.name:20} {tool:17} {cpu:8.2f} CPU s {wall:8.2f} s {peak:8.0f} MiB", flush=True)
    ratio = medians[peer][0] / medians[f"panfoma-{stage}"][0]
    print(f"{'':20} {'ratio':17} {ratio:8.2f}", flush=True)


for file in map(pathlib.Path, arguments.files):
    with tempfile.TemporaryDirectory(dir=file.parent) as out:
        rest = ["--threads", arguments.threads, "--quiet", "--force"]
        gzip = "gzip" if "gz" in file.stem else ""
        qc = [arguments.binaries / "panfoma-qc", "-i", file, "-o", f"{out}/cells.zarr", "--min-cells", 3, *rest]
        if arguments.only != "tokenize":
            compared(file, "qc", "scanpy", [[sys.executable, "-c", SCANPY, file, f"{out}/a.h5ad", gzip], qc])
        else:
            run([str(part) for part in qc])
        if arguments.only != "qc":
            binning = [sys.executable, BINNING, f"{out}/cells.zarr", f"{out}/binned.parquet"]
            tokenize = [arguments.binaries / "panfoma-tokenize", "-i", f"{out}/cells.zarr", "-o", f"{out}/tokens"]
            tokenize += ["--binning", "scgpt", "--split", "cell:1,0,0", *rest]
            compared(file, "tokenize", "scGPT's binning", [binning, tokenize])
