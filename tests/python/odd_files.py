"""What the field's own packages read from the odd files: shape and sum of the raw counts, as a table on stdout.

    python odd_files.py FOLDER/odd > tests/data/odd_files.tsv   (then `outcome` and `message` are filled in by hand)

Needs anndata, h5py, pandas, scipy. A file that they cannot read, or in which no matrix holds integers, has no numbers.
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

warnings.filterwarnings("ignore")
root = pathlib.Path(sys.argv[1])


def counts(x):
    """Shape, sum and number of non-zeros if these are counts."""
    data = x.data if scipy.sparse.issparse(x) else numpy.asarray(x)
    data = numpy.asarray(data, dtype="float64")
    if not numpy.isfinite(data).all() or (data < 0).any() or (data != numpy.round(data)).any():
        return None
    return (*x.shape, float(data.sum()), int((data != 0).sum()))


def h5ad(path):
    with h5py.File(path) as file:
        if "mod" in file and "X" not in file:
            name = "rna" if "rna" in file["mod"] else sorted(file["mod"])[0]
            return counts(anndata.io.read_elem(file["mod"][name]).X)
        if "matrix" in file and "row_attrs" in file:
            return counts(file["matrix"][:].T)
        if "matrix" in file:
            group = file["matrix"]
            x = scipy.sparse.csc_matrix((group["data"][:], group["indices"][:], group["indptr"][:]), shape=group["shape"][:]).T
            genes = group["features/feature_type"][:] == b"Gene Expression"
            return counts(x.tocsc()[:, genes])
        if "obs" not in file:
            found = []
            for name in file:
                group = file[name]
                x = scipy.sparse.csc_matrix((group["data"][:], group["indices"][:], group["indptr"][:]), shape=group["shape"][:]).T
                found.append(f"{name}: {counts(x)}")
            return "; ".join(found)
    adata = anndata.read_h5ad(path)
    candidates = [("X", adata.X)] + [(f"layers/{name}", adata.layers[name]) for name in sorted(adata.layers)]
    if adata.raw is not None:
        candidates.append(("raw/X", adata.raw.X))
    for name, x in candidates:
        if x is not None and (found := counts(x)):
            return (*found, name)
    return None


def mtx(path):
    find = lambda *names: next(p for name in names for p in [path / name, path / f"{name}.gz"] if p.exists())
    x = scipy.io.mmread(find("matrix.mtx")).T.tocsc()
    features = pandas.read_csv(find("features.tsv", "genes.tsv"), sep="\t", header=None, dtype=str)
    barcodes = pandas.read_csv(find("barcodes.tsv"), sep="\t", header=None, dtype=str)
    assert x.shape == (len(barcodes), len(features)), f"{x.shape} against {len(barcodes)}, {len(features)}"
    if features.shape[1] > 2:
        x = x[:, (features[2] == "Gene Expression").to_numpy()]
    return counts(x)


for path in sorted(root.rglob("*")):
    name = path.relative_to(root)
    if path.name.startswith("MANIFEST") or path.parent.name.endswith(("mtx", "gz", "v3", "nnz", "dims", "barcodes")) and path.is_file():
        continue
    if path.is_dir() and not any(path.glob("matrix.mtx*")):
        continue
    try:
        if path.is_dir():
            found = mtx(path)
        elif path.suffix in [".h5ad", ".h5", ".h5mu", ".loom"]:
            found = h5ad(path)
        else:
            text = gzip.open(path, "rt").read() if path.suffix == ".gz" else path.read_text()
            found = f"text of {len(text.splitlines())} lines: {text[:60]!r}"
    except Exception as error:
        found = f"{type(error).__name__}: {str(error)[:100]}"
    print(name, found, sep="\t", flush=True)
