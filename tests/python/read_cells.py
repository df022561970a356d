"""Opens an AnnData Zarr with anndata, every warning an error, and prints what it holds as one JSON object."""

import json
import sys
import warnings

import anndata
import numpy

warnings.simplefilter("error")
adata = anndata.read_zarr(sys.argv[1])


def values(column):
    if str(column.dtype) == "category":
        column = column.astype(object)
    return [None if value != value or value is None else value for value in column.tolist()]


print(
    json.dumps(
        {
            "shape": list(adata.shape),
            "X": adata.X.toarray().tolist() if adata.X is not None and adata.X.shape[0] <= 100 else None,
            "sum": float(adata.X.sum()) if adata.X is not None else None,
            "obs_names": adata.obs_names.tolist()[:100],
            "obs": {name: values(adata.obs[name].iloc[:100]) for name in adata.obs},
            "var_names": adata.var_names.tolist()[:100],
            "var": {name: values(adata.var[name].iloc[:100]) for name in adata.var},
            "varm": {name: numpy.asarray(value)[:100].tolist() for name, value in adata.varm.items()},
            "obsm": {name: numpy.asarray(value)[:100].tolist() for name, value in adata.obsm.items()},
            "studies": [str(study) for study in adata.uns["panfoma"]["studies"]],
            "format": json.loads(str(adata.uns["panfoma"]["header"]))["format"],
        }
    )
)
