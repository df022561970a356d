"""Packs what scGPT's binning and Geneformer's ranking give on 300 real cells: METRICS_DIR OUT.safetensors.zst.

METRICS_DIR holds counts300.npz and qc/{scgpt_bin,geneformer_rank}.npz. Of scGPT's stored draws the first 60 cells (an
empty, a one-gene and an all-ties cell among them) are kept. Geneformer's sort is unstable; its values are put in order
again with ties by gene index.
"""

import json
import sys

import numpy as np
import pyarrow
import scipy.sparse

folder, out = sys.argv[1:]
counts = scipy.sparse.load_npz(f"{folder}/counts300.npz").tocsr()
scgpt = np.load(f"{folder}/qc/scgpt_bin.npz")
geneformer = np.load(f"{folder}/qc/geneformer_rank.npz")
indptr = counts.indptr
assert np.array_equal(scgpt["data"], counts.data) and np.array_equal(scgpt["indices"], counts.indices)
assert np.array_equal(geneformer["indptr"], indptr)
order = []
for start, end in zip(indptr, indptr[1:]):
    tokens, values = geneformer["tokens"][start:end], geneformer["values"][start:end]
    order.append(tokens[np.lexsort((tokens, -values))])
drawn = slice(0, indptr[60])
tensors = {
    "indptr": indptr.astype(np.uint32),
    "genes": counts.indices.astype(np.uint16),
    "counts": counts.data.astype(np.uint16),
    "left": scgpt["left"][drawn].astype(np.uint8),
    "right": scgpt["right"][drawn].astype(np.uint8),
    "draws": scgpt["rand"][drawn],
    "digits": scgpt["digits_seed0"][drawn].astype(np.uint8),
    "medians": geneformer["median"],
    "ranked": np.concatenate(order).astype(np.uint16),
}
assert np.array_equal(tensors["counts"], counts.data)
names = {"f8": "F64", "u4": "U32", "u2": "U16", "u1": "U8"}
header, body = {}, b""
for name, values in sorted(tensors.items(), key=lambda item: -item[1].itemsize):
    values, start = np.ascontiguousarray(values), len(body)
    body += values.tobytes()
    place = [start, len(body)]
    header[name] = {"dtype": names[values.dtype.str[1:]], "shape": list(values.shape), "data_offsets": place}
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
file = len(text).to_bytes(8, "little") + text + body
open(out, "wb").write(pyarrow.Codec("zstd", compression_level=19).compress(file, asbytes=True))
