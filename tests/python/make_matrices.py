"""Writes the same 3 x 5 counts in every layout that is read, and in one that is not, into the directory given.

The second cell is empty; the third gene repeats the first. Needs anndata, h5py and hdf5plugin.
"""

import gzip
import pathlib
import sys

import anndata
import h5py
import hdf5plugin
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

write("csc", scipy.sparse.csc_matrix(counts))
write("csc_int64", scipy.sparse.csc_matrix(counts.astype("int64")))
write("dense", counts)
write("dense_uint16_gzip", counts.astype("uint16"), compression="gzip")
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

# Cell Ranger 2: plain files, `genes.tsv`, no types.
mtx = directory / "mtx_v2"
mtx.mkdir(exist_ok=True)
(mtx / "matrix.mtx").write_text("%%MatrixMarket matrix coordinate integer general\n%\n" + f"5 3 {len(entries)}\n" + "".join(entries))
(mtx / "genes.tsv").write_text("".join(f"{i}\t{s}\n" for i, s in zip(ids, symbols)))
(mtx / "barcodes.tsv").write_text("".join(f"{cell}\n" for cell in cells))
