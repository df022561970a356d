"""Writes one real matrix in every format that is read, by the packages that users write it with.

    python make_formats.py counts300.h5ad DIRECTORY

`genes_*` hold the genes of 80 cells; `mixed_*` the same with six antibodies. Needs anndata, h5py, pandas, scipy and zarr. Loom,
MuData and Cell Ranger's HDF5 are written as loompy, mudata and Cell Ranger do.
"""

import gzip
import pathlib
import sys
import warnings

import anndata
import h5py
import numpy
import pandas
import scipy.io
import scipy.sparse

warnings.simplefilter("ignore")
whole, directory = anndata.read_h5ad(sys.argv[1]), pathlib.Path(sys.argv[2])
# Sorted cells and expressed genes only: a long table knows no others, nor their order.
cells = sorted(whole.obs_names)[:80]
whole = whole[cells]
x = scipy.sparse.csr_matrix(whole.X).astype("float32")
seen = numpy.asarray((x > 0).sum(0)).ravel() > 0
x, genes = x[:, seen], whole.var_names[seen].tolist()
n_cells, n_genes = x.shape
proteins = numpy.random.default_rng(0).poisson([300, 50, 5, 1, 0.1, 2000], (n_cells, 6)).astype("float32")
antibodies = ["CD3", "CD19", "CD4", "CD8a", "CD14", "IgG1"]
mixed = scipy.sparse.hstack([x, scipy.sparse.csr_matrix(proteins)], format="csr").astype("float32")
types = ["Gene Expression"] * n_genes + ["Antibody Capture"] * 6
text = h5py.string_dtype()


def adata(x, names=genes, types=None):
    var = pandas.DataFrame({"feature_types": types} if types else {}, index=names)
    return anndata.AnnData(x, obs=pandas.DataFrame(index=cells), var=var)


def write_mtx(name, x, features, types=None, compress=True, transpose=True):
    path = directory / name
    path.mkdir()
    scipy.io.mmwrite(path / "matrix.mtx", (x.T if transpose else x).astype("int32"), field="integer", symmetry="general")
    (path / "barcodes.tsv").write_text("".join(f"{cell}\n" for cell in cells))
    rows = [f"{name}\t{name}\t{kind}\n" if types else f"{name}\t{name}\n" for name, kind in zip(features, types or features)]
    (path / ("features.tsv" if types else "genes.tsv")).write_text("".join(rows))
    for file in list(path.iterdir()) if compress else []:
        with gzip.open(f"{file}.gz", "wb") as packed:
            packed.write(file.read_bytes())
        file.unlink()


def write_tenx(name, x, features, types=None):
    with h5py.File(directory / name, "w") as file:
        group = file.create_group("matrix" if types else "GRCh38")
        packed = scipy.sparse.csr_matrix(x)
        group["data"], group["indices"] = packed.data.astype("int32"), packed.indices.astype("int64")
        group["indptr"], group["shape"] = packed.indptr.astype("int64"), numpy.array(x.shape[::-1], dtype="int32")
        group["barcodes"] = numpy.array(cells, dtype="S")
        names = numpy.array(features, dtype="S")
        if not types:
            group["genes"], group["gene_names"] = names, names
            return
        described = group.create_group("features")
        described["id"], described["name"] = names, names
        described["feature_type"] = numpy.array(types, dtype="S")
        described["genome"] = numpy.array(["GRCh38"] * len(features), dtype="S")


def write_mudata(name, modalities):
    with h5py.File(directory / name, "w") as file:
        file.attrs.update({"encoding-type": "MuData", "encoding-version": "0.1.0", "axis": 0})
        for modality, part in modalities.items():
            anndata.io.write_elem(file, f"mod/{modality}", part)
        anndata.io.write_elem(file, "obs", pandas.DataFrame(index=cells))


logs = x.copy()
logs.data = numpy.log1p(logs.data)
adata(x).write_h5ad(directory / "genes_csr.h5ad")
adata(scipy.sparse.csc_matrix(x)).write_h5ad(directory / "genes_csc.h5ad", compression="gzip")
adata(x.toarray().astype("uint16")).write_h5ad(directory / "genes_dense.h5ad", compression="lzf")
layered = adata(logs)
layered.layers["counts"] = x.astype("int64")
layered.write_h5ad(directory / "genes_layer.h5ad")
raw = adata(logs)
raw.raw = adata(x)
raw.write_h5ad(directory / "genes_raw.h5ad")
for version in [2, 3]:
    anndata.settings.zarr_write_format = version
    adata(x).write_zarr(directory / f"genes_csr_v{version}.zarr")
    adata(scipy.sparse.csc_matrix(x)).write_zarr(directory / f"genes_csc_v{version}.zarr")
    adata(x.toarray()).write_zarr(directory / f"genes_dense_v{version}.zarr", chunks=(7, 100))
    adata(mixed, genes + antibodies, types).write_zarr(directory / f"mixed_v{version}.zarr")
adata(mixed, genes + antibodies, types).write_h5ad(directory / "mixed.h5ad")

write_mtx("genes_v2_mtx", x, genes, compress=False)
write_mtx("genes_v3_mtx", x, genes, ["Gene Expression"] * n_genes)
write_mtx("genes_by_cells_mtx", x, genes, compress=False, transpose=False)
write_mtx("mixed_mtx", mixed, genes + antibodies, types)
write_tenx("genes_v2.h5", x, genes)
write_tenx("genes_v3.h5", x, genes, ["Gene Expression"] * n_genes)
write_tenx("mixed_v3.h5", mixed, genes + antibodies, types)
write_mudata("genes.h5mu", {"rna": adata(x)})
write_mudata("mixed.h5mu", {"rna": adata(x), "adt": adata(proteins, antibodies)})
with h5py.File(directory / "genes.loom", "w") as file:
    file.create_dataset("matrix", data=x.T.toarray(), chunks=(64, 64), compression="gzip")
    file["row_attrs/Gene"], file["col_attrs/CellID"] = numpy.array(genes, dtype=text), numpy.array(cells, dtype=text)
    file.create_group("layers")

table = pandas.DataFrame(x.toarray().astype("int64"), index=cells, columns=genes)
table.T.to_csv(directory / "genes_table.csv")
table.to_csv(directory / "genes_cells_x_genes.tsv.gz", sep="\t")
table.astype("float64").T.to_csv(directory / "genes_floats.csv.gz", index_label="gene")
# As R's write.table does: names are quoted and the corner is left out.
rows = table.T.to_csv(sep=" ", header=False, quoting=2, float_format="%d")
(directory / "genes_r.txt").write_text(" ".join(f'"{cell}"' for cell in cells) + "\n" + rows)
long = table.stack().rename_axis(["cell", "gene"]).rename("count").reset_index().query("count > 0")
long.sort_values(["gene", "cell"])[["gene", "cell", "count"]].to_csv(directory / "genes_umi_tools.tsv.gz", sep="\t", index=False)
