"""Opens a cells.zarr with anndata, takes it through scanpy's first steps, and prints what it holds as one JSON object."""

import json
import sys

import anndata
import numpy
import pandas
import scanpy

adata = anndata.read_zarr(sys.argv[1])
modalities = {}
for name, features in adata.uns["panfoma"]["features"].items():
    # A modality becomes an AnnData of its own in one line.
    var = pandas.DataFrame(index=[str(feature) for feature in features])
    modality = anndata.AnnData(adata.obsm[name], obs=adata.obs, var=var)
    scanpy.pp.filter_genes(modality, min_counts=1)
    modalities[name] = {
        "features": modality.var_names.tolist(),
        "sums": numpy.asarray(modality.X.sum(0)).ravel().tolist(),
    }
scanpy.pp.calculate_qc_metrics(adata, qc_vars=["mt"], percent_top=None, log1p=False, inplace=True)
totals = adata.obs["total_counts"].tolist()
scanpy.pp.normalize_total(adata, target_sum=1e4)
scanpy.pp.log1p(adata)
scanpy.pp.pca(adata, n_comps=5)
print(
    json.dumps(
        {
            "shape": list(adata.shape),
            "total_counts": totals,
            "largest": float(adata.X.max()),
            "pca": list(adata.obsm["X_pca"].shape),
            "modalities": modalities,
        }
    )
)
