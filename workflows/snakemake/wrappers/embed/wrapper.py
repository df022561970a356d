__author__ = "The PanFoMa toolkit authors"
__copyright__ = "Copyright 2026, the PanFoMa toolkit authors"
__license__ = "MIT"

from snakemake.shell import shell

log = snakemake.log_fmt_shell(stdout=False, stderr=True)
extra = snakemake.params.get("extra", "")

shards = snakemake.input.get("shards")
if shards:
    files = f"--merge {shards} --output {snakemake.output.embeddings}"
else:
    files = f"--input {snakemake.input.tokens} --model {snakemake.input.model} --output {snakemake.output.embeddings}"
for name in ("reference", "cells"):
    if snakemake.input.get(name):
        files += f" --{name} {snakemake.input.get(name)}"
for name in ("predictions", "transfer", "zarr"):
    if snakemake.output.get(name):
        files += f" --{name} {snakemake.output.get(name)}"

shell("panfoma-embed {files} --threads {snakemake.threads} {extra} {log}")
