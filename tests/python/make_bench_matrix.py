"""Writes a simulated matrix of any number of cells as `.h5ad`, in bounded memory: what the benchmarks of qc and tokenize read.

    python make_bench_matrix.py OUT.h5ad --cells 50000 [--genes 33000] [--gzip] [--seed 0]

Counts of a cell are Poisson around (depth of the cell) x (mean of the gene) x (program of the cell's type), with a
log-normal spread of genes and depths that gives about 1,900 genes and 5,500 counts a cell, as 10x v3 data has. Genes are
the GRCh38 ids given by `--names` (one a line), so that qc maps them. Needs h5py and numpy.
"""

import argparse

import h5py
import numpy

parser = argparse.ArgumentParser()
parser.add_argument("output")
parser.add_argument("--cells", type=int, required=True)
parser.add_argument("--genes", type=int, default=33_000)
parser.add_argument("--samples", type=int, default=10)
parser.add_argument("--names", required=True, help="text file: a gene id at the beginning of each line")
parser.add_argument("--gzip", action="store_true")
parser.add_argument("--seed", type=int, default=0)
arguments = parser.parse_args()

rng = numpy.random.default_rng(arguments.seed)
with open(arguments.names) as lines:
    names = [line.split()[0] for line in lines][: arguments.genes]
assert len(names) == arguments.genes, f"{len(names)} names for {arguments.genes} genes"
types = 8
mean = rng.lognormal(0, 2.6, arguments.genes)
programs = mean * rng.lognormal(0, 0.7, (types, arguments.genes))
programs /= programs.sum(axis=1, keepdims=True)

BLOCK = 500
storage = {"compression": "gzip", "compression_opts": 4} if arguments.gzip else {}
text = h5py.string_dtype()


def encode(node, kind, version):
    node.attrs["encoding-type"], node.attrs["encoding-version"] = kind, version


def texts(group, name, values):
    dataset = group.create_dataset(name, data=numpy.array(values, dtype=object), dtype=text)
    encode(dataset, "string-array", "0.2.0")


def categorical(group, name, codes, categories):
    column = group.create_group(name)
    encode(column, "categorical", "0.2.0")
    column.attrs["ordered"] = False
    encode(column.create_dataset("codes", data=codes.astype("int8")), "array", "0.2.0")
    texts(column, "categories", categories)


with h5py.File(arguments.output, "w") as file:
    encode(file, "anndata", "0.1.0")
    for name in ["layers", "obsm", "obsp", "uns", "varm", "varp"]:
        encode(file.create_group(name), "dict", "0.1.0")
    var = file.create_group("var")
    encode(var, "dataframe", "0.2.0")
    var.attrs["_index"] = "_index"
    var.attrs.create("column-order", numpy.array([], dtype=object), dtype=text)
    texts(var, "_index", names)

    obs = file.create_group("obs")
    encode(obs, "dataframe", "0.2.0")
    obs.attrs["_index"] = "_index"
    obs.attrs.create("column-order", numpy.array(["sample", "cell_type"], dtype=object), dtype=text)
    texts(obs, "_index", [f"cell{cell}-1" for cell in range(arguments.cells)])
    sample = numpy.arange(arguments.cells) * arguments.samples // arguments.cells
    kind = rng.integers(0, types, arguments.cells)
    categorical(obs, "sample", sample, [f"sample{i}" for i in range(arguments.samples)])
    categorical(obs, "cell_type", kind, [f"type{i}" for i in range(types)])

    x = file.create_group("X")
    encode(x, "csr_matrix", "0.1.0")
    x.attrs["shape"] = [arguments.cells, arguments.genes]
    chunks = {"chunks": (65_536,), "maxshape": (None,), "shape": (0,), **storage}
    data = x.create_dataset("data", dtype="float32", **chunks)
    indices = x.create_dataset("indices", dtype="int32", **chunks)
    indptr = [numpy.zeros(1, dtype="int64")]
    for start in range(0, arguments.cells, BLOCK):
        block = kind[start : start + BLOCK]
        depth = rng.lognormal(8.55, 0.35, len(block))
        counts = rng.poisson(programs[block] * depth[:, None])
        rows, columns = counts.nonzero()
        at = data.shape[0]
        data.resize((at + len(rows),))
        indices.resize((at + len(rows),))
        data[at:] = counts[rows, columns]
        indices[at:] = columns
        ends = indptr[-1][-1] + numpy.cumsum(numpy.bincount(rows, minlength=len(block)))
        indptr.append(ends)
    # scipy changes a matrix in place only if its indptr is of the type of its indices.
    indptr = numpy.concatenate(indptr)
    x.create_dataset("indptr", data=indptr.astype("int32") if indptr[-1] < 2**31 else indptr)
    print(f"{arguments.cells} cells, {data.shape[0] / arguments.cells:.0f} genes a cell")
