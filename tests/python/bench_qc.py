"""panfoma-qc beside scanpy on the same files, in one run: CPU seconds (user + system), wall seconds, peak memory.

    python bench_qc.py PANFOMA-QC OUT.jsonl FILE.h5ad... [--repeats 3]

Both read the counts, compute the metrics of `calculate_qc_metrics`, remove cells of fewer than 200 genes or more than 20 %
mitochondrial counts and genes in fewer than 3 cells, and write what is left compressed: scanpy as h5ad with gzip if the
input is gzipped, else plain; panfoma-qc as cells.zarr. One thread each. The figure is the median of the repeats.
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

parser = argparse.ArgumentParser()
parser.add_argument("qc")
parser.add_argument("output")
parser.add_argument("files", nargs="+")
parser.add_argument("--repeats", type=int, default=3)
arguments = parser.parse_args()


def run(command):
    """CPU seconds, wall seconds and peak MiB of a process."""
    started = time.monotonic()
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    child = os.posix_spawn(command[0], command, environment)
    _, status, used = os.wait4(child, 0)
    if status != 0:
        sys.exit(f"{command} ended with {status}")
    return used.ru_utime + used.ru_stime, time.monotonic() - started, used.ru_maxrss / 1024


with open(arguments.output, "a") as lines:
    for file in arguments.files:
        gzip = "gzip" if "gz" in pathlib.Path(file).stem else ""
        figures = {"scanpy": [], "panfoma-qc": []}
        for _ in range(arguments.repeats):
            with tempfile.TemporaryDirectory(dir=pathlib.Path(file).parent) as out:
                figures["scanpy"].append(run([sys.executable, "-c", SCANPY, file, f"{out}/a.h5ad", gzip]))
                ours = [arguments.qc, "-i", file, "-o", f"{out}/cells.zarr", "--min-cells", "3", "--threads", "1", "--quiet"]
                figures["panfoma-qc"].append(run(ours))
        medians = {tool: [statistics.median(column) for column in zip(*runs)] for tool, runs in figures.items()}
        ratio = medians["scanpy"][0] / medians["panfoma-qc"][0]
        for tool, (cpu, wall, peak) in medians.items():
            lines.write(json.dumps({"file": pathlib.Path(file).name, "tool": tool, "cpu_s": round(cpu, 2), "wall_s": round(wall, 2), "peak_mib": round(peak)}) + "\n")
            lines.flush()
            print(f"{pathlib.Path(file).name:20} {tool:12} {cpu:8.2f} CPU s {wall:8.2f} s {peak:8.0f} MiB")
        print(f"{'':20} {'ratio':12} {ratio:8.2f}")
