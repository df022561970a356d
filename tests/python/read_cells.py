"""Opens an AnnData Zarr with anndata, every warning an error, and prints what it holds as one JSON object."""

import json
import sys
import warnings

import anndata
import numpy
import scipy.sparse

warnings.simplefilter("error")
adata = anndata.read_zarr(sys.argv[1])


def values(column):
    if str(column.dtype) == "category":
        column = column.astype(object)
    return [None if value != value or value is None else value for value in column.tolist()]


def dense(block):
    return block.toarray() if scipy.sparse.issparse(block) else numpy.asarray(block)


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
            "obsm": {name: dense(value[:100]).tolist() for name, value in adata.obsm.items()},
            "features": {
                name: [str(feature) for feature in features]
                for name, features in adata.uns["panfoma"].get("features", {}).items()
            },
            "studies": [str(study) for study in adata.uns["panfoma"]["studies"]],
            "format": json.loads(str(adata.uns["panfoma"]["header"]))["format"],
        }
    )
)
