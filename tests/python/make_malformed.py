"""Writes HDF5 files that lie, each in one way, into the directory given. Needs h5py and hdf5plugin."""

import pathlib
import sys

import h5py
import hdf5plugin
import numpy

directory = pathlib.Path(sys.argv[1])
vlen = h5py.string_dtype()
cells, genes = ["AAAC-1", "AAAG-1", "AAAT-1"], ["TP53", "EGFR"]


def anndata(name):
    """A good AnnData of 3 cells x 2 genes, opened to be spoilt."""
    file = h5py.File(directory / name, "w", libver="latest")
    file["X/data"] = numpy.array([1, 2, 3], dtype="float32")
    file["X/indices"] = numpy.array([0, 1, 0], dtype="int32")
    file["X/indptr"] = numpy.array([0, 1, 2, 3], dtype="int32")
    file["X"].attrs.update({"encoding-type": "csr_matrix", "shape": (3, 2)})
    file["obs/_index"] = numpy.array(cells, dtype=vlen)
    file["var/_index"] = numpy.array(genes, dtype=vlen)
    return file


def replace(file, path, *arguments, **options):
    del file[path]
    return file.create_dataset(path, *arguments, **options)


# Claims of sizes that no chunk backs.
with anndata("indptr_of_a_trillion.h5ad") as file:
    replace(file, "X/indptr", shape=(10**12,), dtype="int64", chunks=(1024,))
with anndata("a_billion_names.h5ad") as file:
    replace(file, "obs/_index", shape=(10**9,), dtype=vlen, chunks=(1024,))
with anndata("a_billion_rows.h5ad") as file:
    del file["obs"]
    file.create_dataset("obs", shape=(10**9,), dtype=[("index", "S16")], chunks=(1024,))
with anndata("a_billion_codes.h5ad") as file:
    file.create_dataset("obs/type/codes", shape=(10**9,), dtype="int8", chunks=(1024,))
    file["obs/type/categories"] = numpy.array(["a"], dtype=vlen)
with anndata("names_of_a_gigabyte.h5ad") as file:
    replace(file, "obs/_index", shape=(3,), dtype="S1000000000", chunks=(1,))
with h5py.File(directory / "a_trillion_genes.loom", "w", libver="latest") as file:
    file.create_dataset("matrix", shape=(10**12, 3), dtype="float32", chunks=(64, 3))
    file.create_group("row_attrs")
    file["col_attrs/CellID"] = numpy.array(cells, dtype=vlen)
# Every name is the same long text: 16 bytes in the file, 20,000 in memory.
with anndata("one_text_many_times.h5ad") as file:
    replace(file, "obs/_index", data=numpy.array(["A" * 20_000] + ["b"] * 1000, dtype=vlen))
    at = file["obs/_index"].id.get_offset()
path = directory / "one_text_many_times.h5ad"
data = bytearray(path.read_bytes())
data[at : at + 16 * 1001] = data[at : at + 16] * 1001
path.write_bytes(data)

# Chunks that are not what their filter makes.
filters = {"gzip": {"compression": "gzip"}, "lzf": {"compression": "lzf"}, "zstd": hdf5plugin.Zstd(), "blosc": hdf5plugin.Blosc()}
for name, options in filters.items():
    with anndata(f"damaged_{name}.h5ad") as file:
        dataset = replace(file, "X/data", shape=(3,), dtype="float32", chunks=(3,), **options)
        dataset.id.write_direct_chunk((0,), b"\x7f" * 40)

# Parts that do not fit together.
with anndata("code_beyond_categories.h5ad") as file:
    file["obs/type/codes"] = numpy.array([0, 7, -1], dtype="int8")
    file["obs/type/categories"] = numpy.array(["a", "b"], dtype=vlen)
with anndata("mask_too_short.h5ad") as file:
    file["obs/n/values"] = numpy.array([1, 2, 3])
    file["obs/n/mask"] = numpy.array([True, False])
with anndata("column_too_short.h5ad") as file:
    file["obs/n"] = numpy.array([1, 2])
with anndata("names_without_utf8.h5ad") as file:
    replace(file, "obs/_index", data=numpy.array([b"a", b"\xff\xfe", b"c"], dtype="S2"))
with anndata("obs_is_its_own_child.h5ad") as file:
    del file["obs"]
    file["obs"] = h5py.SoftLink("/obs")
with anndata("indices_of_two_axes.h5ad") as file:
    replace(file, "X/indices", data=numpy.zeros((3, 1), dtype="int32"))
with anndata("neither_rows_nor_columns.h5ad") as file:
    del file["X"].attrs["encoding-type"]
    replace(file, "X/indptr", data=numpy.zeros(2, dtype="int32"))

fixed = lambda texts: numpy.array(texts, dtype="S")


def tenx(name):
    file = h5py.File(directory / name, "w", libver="latest")
    group = file.create_group("matrix")
    group["barcodes"] = fixed(cells)
    group["features/id"], group["features/name"] = fixed(genes), fixed(genes)
    group["features/feature_type"] = fixed(["Gene Expression"] * 2)
    group["shape"] = numpy.array([2, 3], dtype="int32")
    for part, values in [("data", [1, 2, 3]), ("indices", [0, 1, 0]), ("indptr", [0, 1, 2, 3])]:
        group[part] = numpy.array(values)
    return file


with tenx("tenx_of_another_shape.h5") as file:
    replace(file, "matrix/shape", data=numpy.array([3, 2]))
with tenx("tenx_with_a_barcode_too_few.h5") as file:
    replace(file, "matrix/barcodes", data=fixed(cells[:2]))
    del file["matrix/shape"]
with tenx("tenx_with_a_type_too_few.h5") as file:
    replace(file, "matrix/features/feature_type", data=fixed(["Gene Expression"]))
with tenx("tenx_of_peaks_alone.h5") as file:
    replace(file, "matrix/features/feature_type", data=fixed(["Peaks"] * 2))
with h5py.File(directory / "tenx_of_two_mice.h5", "w", libver="latest") as file:
    for genome in ["mm10", "mm9"]:
        file[f"{genome}/barcodes"], file[f"{genome}/indptr"] = fixed(cells), numpy.zeros(4)

with h5py.File(directory / "loom_of_another_length.loom", "w", libver="latest") as file:
    file["matrix"] = numpy.ones((2, 3), dtype="float32")
    file["row_attrs/Gene"] = numpy.array(genes + ["MYC"], dtype=vlen)
    file["col_attrs/CellID"] = numpy.array(cells, dtype=vlen)
with h5py.File(directory / "loom_layer_of_another_shape.loom", "w", libver="latest") as file:
    file["matrix"] = numpy.full((2, 3), 0.5, dtype="float32")
    file["layers/counts"] = numpy.ones((3, 2), dtype="float32")
    file["row_attrs/Gene"] = numpy.array(genes, dtype=vlen)
    file["col_attrs/CellID"] = numpy.array(cells, dtype=vlen)
with h5py.File(directory / "no_modality.h5mu", "w", libver="latest") as file:
    file.create_group("mod")
    file["obs/_index"] = numpy.array(cells, dtype=vlen)
with h5py.File(directory / "seurat.h5seurat", "w", libver="latest") as file:
    file.create_group("assays/RNA"), file.create_group("meta.data")
with h5py.File(directory / "weights.h5", "w", libver="latest") as file:
    file["layer/kernel"] = numpy.zeros(3)
