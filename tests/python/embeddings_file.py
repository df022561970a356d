"""Writes an embedding as panfoma-embed would, every cell a test cell."""

import json

import pyarrow as pa
import pyarrow.parquet as pq


def write(path, x, columns, tool, seed=0):
    """x: [cells x dim] f32; columns: names to one text a cell, the first is the label."""
    n, dim = x.shape
    made = {"tool": tool, "tool_version": "0", "commit": "", "config": {}, "inputs": [], "seed": seed}
    header = {
        "format": "panfoma.embeddings", "version": 1, "revision": 0, "dim": dim, "columns": list(columns),
        "label_columns": list(columns)[:1], "provenance": made,
    }
    vector = pa.list_(pa.field("item", pa.float32(), False), dim)
    fields = [
        ("cell_id", pa.string(), False), *((name, pa.string(), True) for name in columns),
        ("split", pa.string(), False), ("embedding", vector, False),
    ]
    schema = pa.schema([pa.field(*field) for field in fields], {"panfoma": json.dumps(header)})
    arrays = [
        pa.array([f"cell {i}" for i in range(n)]), *(pa.array([str(x) for x in of]) for of in columns.values()),
        pa.array(["test"] * n), pa.FixedSizeListArray.from_arrays(pa.array(x.ravel()), type=vector),
    ]
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), path, row_group_size=8_192)
