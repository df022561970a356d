"""Writes the same 3 x 5 counts in every layout that is read, and in one that is not, into the directory given.

The second cell is empty; the third gene repeats the first. Needs anndata, h5py, hdf5plugin and numcodecs.
"""

import gzip
import pathlib
import sys

import anndata
import h5py
import hdf5plugin
import numcodecs.blosc
import numpy
import pandas
import scipy.sparse

directory = pathlib.Path(sys.argv[1])
counts = numpy.array([[1, 0, 2, 7, 0], [0, 0, 0, 0, 0], [0, 30000, 4, 0, 5]], dtype="float32")
ids = ["ENSG00000141510", "ENSG00000146648", "ENSG00000141510", "ENSG00000198888", "ENSG00000142676"]
symbols = ["TP53", "EGFR", "TP53", "MT-ND1", "RPL11"]
cells = ["AAAC-1", "AAAG-1", "AAAT-1"]


def write(name, x, layers=None, raw=None, **options):
    var = pandas.DataFrame({"gene_symbols": symbols}, index=ids)
    adata = anndata.AnnData(x, obs=pandas.DataFrame(index=cells), var=var, layers=layers)
    if raw is not None:
        adata.raw = anndata.AnnData(raw, obs=pandas.DataFrame(index=cells), var=var)
    adata.write_h5ad(directory / f"{name}.h5ad", **options)


csr = scipy.sparse.csr_matrix(counts)
write("csr", csr)
write("csr_gzip", csr, compression="gzip")
write("csr_lzf", csr, compression="lzf")
# Numbers only: these filters on texts crash h5py.
filters = [
    ("csr_zstd", hdf5plugin.Zstd(), 6),
    ("csr_blosc", hdf5plugin.Blosc(cname="lz4", shuffle=hdf5plugin.Blosc.BITSHUFFLE), 4096),
    ("csr_blosc_zstd", hdf5plugin.Blosc(cname="zstd"), 4096),
    ("bzip2", hdf5plugin.BZip2(), 4096),
]
for name, filter, n in filters:
    write(name, csr)
    with h5py.File(directory / f"{name}.h5ad", "a") as file:
        for part in ["data", "indices"]:
            values = file[f"X/{part}"][:]
            del file[f"X/{part}"]
            dataset = file["X"].create_dataset(part, data=values, chunks=(n,), maxshape=(None,), **filter)
            # A filter that does not make a chunk smaller is skipped: the chunk has room for many zeros.
            assert n == 6 or dataset.id.get_chunk_info(0).filter_mask == 0

(directory / "arange64.blosc-lz4").write_bytes(numcodecs.blosc.compress(numpy.arange(64, dtype="<u4"), b"lz4", 5, 1))

write("csc", scipy.sparse.csc_matrix(counts))
write("csc_int64", scipy.sparse.csc_matrix(counts.astype("int64")))
write("dense", counts)
write("dense_uint16_gzip", counts.astype("uint16"), compression="gzip")
write("dense_float16", counts.astype("float16"))
write("layer", numpy.log1p(csr), layers={"counts": csr})
write("raw", numpy.log1p(csr), raw=csr)

# Unsorted and repeated entries and a stored zero: all legal.
data = numpy.array([7, 2, 1, 0, 5, 29999, 4, 1], dtype="float32")
indices = numpy.array([3, 2, 0, 1, 4, 1, 2, 1])
write("csr_unsorted", scipy.sparse.csr_matrix((data, indices, [0, 4, 4, 8]), shape=counts.shape))

mtx = directory / "mtx"
mtx.mkdir(exist_ok=True)
entries = [f"{gene + 1} {cell + 1} {counts[cell, gene]:.0f}\n" for gene in range(5) for cell in range(3) if counts[cell, gene]]
header = f"%%MatrixMarket matrix coordinate integer general\n%\n6 3 {len(entries) + 1}\n"
text = (header + "6 1 99\n" + "".join(entries)).encode()
# Two gzip members, as bgzip writes them; the sixth feature is an antibody.
(mtx / "matrix.mtx.gz").write_bytes(gzip.compress(text[:60], mtime=0) + gzip.compress(text[60:], mtime=0))
features = "".join(f"{i}\t{s}\tGene Expression\n" for i, s in zip(ids, symbols)) + "CD19\tCD19_TotalC\tAntibody Capture\n"
(mtx / "features.tsv").write_text(features)
(mtx / "barcodes.tsv").write_text("".join(f"{cell}\n" for cell in cells))

# The layouts of other tools and other times, by hand.
fixed = lambda texts: numpy.array(texts, dtype="S")
vlen = h5py.string_dtype()


def write_csr(group, name, x, **attributes):
    group = group.create_group(name)
    for part in ["data", "indices", "indptr"]:
        group[part] = getattr(x, part)
    group.attrs.update(attributes)


# anndata 0.5 and 0.6: compound tables; categories of any table in uns.
with h5py.File(directory / "compound.h5ad", "w") as file:
    write_csr(file, "X", csr, h5sparse_format="csr", h5sparse_shape=csr.shape)
    file["obs"] = numpy.array([(cell.encode(),) for cell in cells], dtype=[("index", "S6")])
    names, codes = numpy.unique(symbols, return_inverse=True)
    rows = [(gene.encode(), code) for gene, code in zip(ids, codes)]
    file["var"] = numpy.array(rows, dtype=[("index", "S15"), ("gene_symbols", "i1")])
    file["uns/gene_symbols_categories"] = fixed(names)

# The same with columns of every type, the counts in raw.X with a table of its own.
with h5py.File(directory / "compound_columns.h5ad", "w") as file:
    file["X"] = numpy.log1p(counts[:, :2])
    write_csr(file, "raw.X", csr, h5sparse_format="csr", h5sparse_shape=csr.shape)
    columns = [("index", vlen), ("type", "i1"), ("n", ">i2"), ("score", "<f4"), ("good", "?"), ("note", vlen)]
    columns.append(("pair", "<f4", (2,)))
    rows = [
        ("AAAC-1", 1, -300, 0.5, True, "é", (0, 0)),
        ("AAAG-1", -1, 7, numpy.nan, False, "", (0, 0)),
        ("AAAT-1", 0, 0, -2, True, "a b", (0, 0)),
    ]
    file["obs"] = numpy.array(rows, dtype=columns)
    file["uns/type_categories"] = fixed(["B cell", "T cell"])
    file["uns/n_categories"] = fixed(["too", "few"])
    file["var"] = numpy.array([(gene.encode(),) for gene in ids[:2]], dtype=[("index", "S15")])
    rows = [(gene.encode(), i % 2) for i, gene in enumerate(ids)]
    file["raw.var"] = numpy.array(rows, dtype=[("index", "S15"), ("kind", "i1")])
    file["raw.cat/kind_categories"] = fixed(["even", "odd"])

# anndata 0.7: codes that refer to their categories; the second reference leads to another name.
with h5py.File(directory / "references.h5ad", "w") as file:
    write_csr(file, "X", csr, **{"encoding-type": "csr_matrix", "encoding-version": "0.1.0", "shape": csr.shape})
    for name, index, columns in [("obs", cells, {}), ("var", ids, {"gene_symbols": symbols})]:
        group = file.create_group(name)
        group.attrs.update({"_index": "_index", "encoding-type": "dataframe", "encoding-version": "0.1.0"})
        group.attrs["column-order"] = numpy.array(list(columns), dtype=vlen)
        group["_index"] = numpy.array(index, dtype=vlen)
        for column, values in columns.items():
            names, codes = numpy.unique(values, return_inverse=True)
            group[f"__categories/renamed_{column}"] = numpy.array(names, dtype=vlen)
            group[column] = codes.astype("int8")
            group[column].attrs["categories"] = group[f"__categories/renamed_{column}"].ref

# No attributes at all, uint8 indptr, uint16 indices, big-endian values.
with h5py.File(directory / "bare.h5ad", "w") as file:
    for part, kind in [("data", ">i4"), ("indices", "uint16"), ("indptr", "uint8")]:
        file[f"X/{part}"] = getattr(csr, part).astype(kind)
    file["obs/index"] = numpy.array(cells, dtype=vlen)
    file["obs"].attrs["_index"] = "index"
    file["var/_index"] = fixed(ids)
    names, codes = numpy.unique(symbols, return_inverse=True)
    file["var/gene_symbols/codes"] = codes
    file["var/gene_symbols/categories"] = numpy.array(names, dtype=vlen)


def write_tenx(group, x, features):
    """Cell Ranger's CSC of features x barcodes."""
    group["barcodes"] = fixed(cells)
    group["shape"] = numpy.array(x.shape[::-1], dtype="int32")
    for part, kind in [("data", "int32"), ("indices", "int64"), ("indptr", "int64")]:
        values = getattr(x, part).astype(kind)
        group.create_dataset(part, data=values, chunks=(min(4, len(values)),), compression="gzip", shuffle=True)
    for name, values in features.items():
        group[name] = fixed(values)


with h5py.File(directory / "tenx_v2.h5", "w") as file:
    write_tenx(file.create_group("GRCh38"), csr, {"genes": ids, "gene_names": symbols})
    write_tenx(file.create_group("mm10"), csr[:, :1], {"genes": ["ENSMUSG00000051951"], "gene_names": ["Xkr4"]})
with h5py.File(directory / "tenx_v3.h5", "w") as file:
    kinds, genomes = ["Gene Expression"] * 5, ["GRCh38"] * 5
    write_tenx(
        file.create_group("matrix"),
        csr,
        {"features/id": ids, "features/name": symbols, "features/feature_type": kinds, "features/genome": genomes},
    )
# An antibody first, a guide last.
with h5py.File(directory / "tenx_v3_mixed.h5", "w") as file:
    x = scipy.sparse.hstack([csr[:, 3] * 10, csr, csr[:, 1] * 2]).tocsr()
    x.sort_indices()
    write_tenx(
        file.create_group("matrix"),
        x,
        {
            "features/id": ["CD19", *ids, "TP53-1"],
            "features/name": ["CD19_TotalC", *symbols, "TP53-1"],
            "features/feature_type": ["Antibody Capture", *["Gene Expression"] * 5, "CRISPR Guide Capture"],
            "features/genome": ["", *["GRCh38"] * 5, ""],
        },
    )

# Loom: genes x cells, in chunks that divide neither axis.
for name, options in [("chunked", {"chunks": (2, 2), "compression": "gzip"}), ("contiguous", {})]:
    with h5py.File(directory / f"{name}.loom", "w") as file:
        file.attrs["LOOM_SPEC_VERSION"] = "3.0.0"
        file.create_dataset("matrix", data=(counts / 3).T, **options)
        file.create_dataset("layers/counts", data=counts.T, **options)
        file["row_attrs/Accession"] = numpy.array(ids, dtype=vlen)
        file["row_attrs/gene_symbols"] = numpy.array(symbols, dtype=vlen)
        file["col_attrs/CellID"] = numpy.array(cells, dtype=vlen)
        file["col_attrs/Embedding"] = numpy.zeros((3, 2))


def write_mudata(name, modalities, obs):
    """The group `mod` of a MuData, and the columns it keeps for all its modalities."""
    with h5py.File(directory / name, "w") as file:
        file.attrs.update({"encoding-type": "MuData", "encoding-version": "0.1.0", "axis": 0})
        for modality, adata in modalities.items():
            anndata.io.write_elem(file, f"mod/{modality}", adata)
        anndata.io.write_elem(file, "obs", obs)


# Proteins as scvi-tools keeps them: an array, and their names in uns; without names they are unknown.
var = pandas.DataFrame({"gene_symbols": symbols}, index=ids)
adata = anndata.AnnData(csr, obs=pandas.DataFrame(index=cells), var=var)
adata.obsm["protein_expression"] = numpy.array([[5, 0], [0, 0], [0, 6]], dtype="int32")
adata.write_h5ad(directory / "proteins_unnamed.h5ad")
adata.uns["protein_names"] = numpy.array(["CD3", "CD19"])
adata.write_h5ad(directory / "proteins.h5ad")

rna = anndata.AnnData(csr, obs=pandas.DataFrame(index=cells), var=var)
write_mudata("rna.h5mu", {"rna": rna}, pandas.DataFrame(index=cells))
# Proteins of other cells in another order, their counts in a layer; a modality that holds none.
rna.obs["own"] = [1, 2, 3]
proteins = numpy.array([[5, 0], [0, 6], [7, 8]], dtype="float32")
names = ["AAAT-1", "CCCC-1", "AAAC-1"]
adt = anndata.AnnData(proteins / 7, obs=pandas.DataFrame(index=names), var=pandas.DataFrame(index=["CD3", "CD19"]))
adt.layers["counts"] = proteins
hto = anndata.AnnData(proteins[:, :1] / 7, obs=pandas.DataFrame(index=names), var=pandas.DataFrame(index=["tag"]))
obs = pandas.DataFrame({"donor": ["d3", "d1", "d2", "d4"], "gex:own": [3, 1, 2, 0]}, index=["AAAT-1", "AAAC-1", "AAAG-1", "CCCC-1"])
write_mudata("four.h5mu", {"gex": rna, "adt": adt, "hto": hto, "prot": adt}, obs)

# Cell Ranger 2: plain files, `genes.tsv`, no types.
mtx = directory / "mtx_v2"
mtx.mkdir(exist_ok=True)
(mtx / "matrix.mtx").write_text("%%MatrixMarket matrix coordinate integer general\n%\n" + f"5 3 {len(entries)}\n" + "".join(entries))
(mtx / "genes.tsv").write_text("".join(f"{i}\t{s}\n" for i, s in zip(ids, symbols)))
(mtx / "barcodes.tsv").write_text("".join(f"{cell}\n" for cell in cells))
