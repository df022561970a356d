"""scGPT's way of binning a matrix, for comparison: every cell's non-zero counts to bins, then to Parquet.

    python bench_scgpt_binning.py CELLS.ZARR|MATRIX.h5ad OUT.parquet [--cells N]

Written from the definition of scGPT 0.2.4's binning for pretraining: per cell edges = numpy.quantile(non-zero values,
linspace(0, 1, n_bins - 1)) and digit = ceil(u (right - left) + left) between numpy.digitize's two sides, u from numpy's
generator. Values are scGPT's: counts normalised to 10,000 and log1p. Prints wall and CPU seconds and peak memory as
JSON. Run it with OMP_NUM_THREADS=1 beside `panfoma-tokenize --threads 1`.
"""

import argparse
import json
import resource
import time

import anndata
import numpy as np
import pyarrow
import pyarrow.parquet

parser = argparse.ArgumentParser()
parser.add_argument("matrix")
parser.add_argument("out")
parser.add_argument("--cells", type=int)
parser.add_argument("--n-bins", type=int, default=51)
arguments = parser.parse_args()
start = time.time()


def binned(values, generator):
    edges = np.quantile(values, np.linspace(0, 1, arguments.n_bins - 1))
    left, right = np.digitize(values, edges), np.digitize(values, edges, right=True)
    return np.ceil(generator.random(len(values)) * (right - left) + left).astype(np.int64)


read = anndata.read_zarr if arguments.matrix.rstrip("/").endswith(".zarr") else anndata.read_h5ad
cells = read(arguments.matrix)
counts = cells.X.tocsr()[: arguments.cells]
read_s = time.time() - start
totals = np.asarray(counts.sum(axis=1)).ravel()
counts.data = np.log1p(counts.data / np.repeat(totals, np.diff(counts.indptr)) * 1e4)
generator = np.random.default_rng(0)
bins = np.empty(counts.nnz, dtype=np.int64)
for begin, end in zip(counts.indptr, counts.indptr[1:]):
    if end > begin:
        bins[begin:end] = binned(counts.data[begin:end], generator)
bin_s = time.time() - start - read_s
offsets = pyarrow.array(counts.indptr, type=pyarrow.int32())
table = pyarrow.table(
    {
        "id": list(range(counts.shape[0])),
        "genes": pyarrow.ListArray.from_arrays(offsets, pyarrow.array(counts.indices.astype(np.int64))),
        "expressions": pyarrow.ListArray.from_arrays(offsets, pyarrow.array(bins.astype(np.float32))),
    }
)
pyarrow.parquet.write_table(table, arguments.out)
usage = resource.getrusage(resource.RUSAGE_SELF)
print(
    json.dumps(
        {
            "cells": counts.shape[0],
            "values": int(counts.nnz),
            "wall_s": round(time.time() - start, 2),
            "read_s": round(read_s, 2),
            "bin_s": round(bin_s, 2),
            "cpu_s": round(usage.ru_utime + usage.ru_stime, 2),
            "peak_mib": usage.ru_maxrss // 1024,
        }
    )
)
