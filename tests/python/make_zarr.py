"""Writes one AnnData as Zarr stores of both versions into the directory given: compressed by rows and by columns, dense in
either order, chunked and sharded, with every kind of obs column. Needs anndata, numcodecs and zarr.
"""

import pathlib
import sys
import warnings

import anndata
import numcodecs
import numpy
import pandas
import scipy.sparse
import zarr

warnings.simplefilter("ignore")
directory = pathlib.Path(sys.argv[1])
counts = numpy.array([[1, 0, 2, 7, 0], [0, 0, 0, 0, 0], [0, 30000, 4, 0, 5]], dtype="float32")
genes = ["ENSG00000141510", "ENSG00000146648", "ENSG00000141510", "ENSG00000198888", "ENSG00000142676"]
cells = ["AAAC-1", "AAAG-1", "AAAT-1"]
obs = pandas.DataFrame(
    {
        "label": pandas.Categorical(["é", None, "a"], categories=["unused", "a", "é"]),
        "text": ["x", "y", ""],
        "float": [1.5, numpy.nan, 0.0],
        "int": [0, -2, 3],
        "bool": [True, False, True],
        "nullable_int": pandas.array([1, None, 3], dtype="Int64"),
        "nullable_bool": pandas.array([None, True, False], dtype="boolean"),
        "zero": [0, 0, 0],
    },
    index=cells,
)
csr = scipy.sparse.csr_matrix(counts)


def adata(x, **rest):
    return anndata.AnnData(x, obs=obs, var=pandas.DataFrame({"gene_symbols": list("ABCDE")}, index=genes), **rest)


def rewrite(store, path, values, attributes, **options):
    """Replaces an array by one of another layout."""
    group = zarr.open_group(store, mode="a")
    del group[path]
    array = group.create_array(path, shape=values.shape, dtype=values.dtype, **options)
    array[...] = values
    array.attrs.update(attributes)


for version in [2, 3]:
    anndata.settings.zarr_write_format = version
    adata(csr).write_zarr(directory / f"csr_v{version}.zarr")
    adata(scipy.sparse.csc_matrix(counts.astype("int64"))).write_zarr(directory / f"csc_v{version}.zarr")
    adata(numpy.log1p(csr), layers={"counts": counts}).write_zarr(directory / f"layer_v{version}.zarr")
    raw = adata(numpy.log1p(csr))
    raw.raw = adata(counts.astype("uint16"))
    raw.write_zarr(directory / f"raw_v{version}.zarr")
    adata(csr).write_zarr(directory / f"chunks_v{version}.zarr", chunks=None)

array = {"encoding-type": "array", "encoding-version": "0.2.0"}
for name, values, options in [
    ("data", csr.data, {"compressors": numcodecs.Zlib(3)}),
    ("indices", csr.indices.astype("uint64"), {"compressors": numcodecs.GZip(3)}),
    ("indptr", csr.indptr.astype(">i8"), {"compressors": numcodecs.Zstd(3)}),
]:
    rewrite(directory / "chunks_v2.zarr", f"X/{name}", values, array, chunks=(2,), **options)
for name, values in [("data", csr.data), ("indices", csr.indices), ("indptr", csr.indptr)]:
    rewrite(directory / "chunks_v3.zarr", f"X/{name}", values, array, chunks=(2,), shards=(4,))

anndata.settings.zarr_write_format = 2
adata(counts).write_zarr(directory / "dense_v2.zarr")
rewrite(directory / "dense_v2.zarr", "X", counts.astype(">f8"), array, chunks=(2, 3), order="F", compressors=None)
anndata.settings.zarr_write_format = 3
adata(counts).write_zarr(directory / "dense_v3.zarr")
blosc = zarr.codecs.BloscCodec(cname="zstd", shuffle="shuffle")
rewrite(
    directory / "dense_v3.zarr",
    "X",
    counts,
    array,
    chunks=(2, 2),
    shards=(2, 6),
    filters=[zarr.codecs.TransposeCodec(order=(1, 0))],
    compressors=[blosc, zarr.codecs.Crc32cCodec()],
)
