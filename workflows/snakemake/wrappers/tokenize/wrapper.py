__author__ = "The PanFoMa toolkit authors"
__copyright__ = "Copyright 2026, the PanFoMa toolkit authors"
__license__ = "MIT"

from snakemake.shell import shell

log = snakemake.log_fmt_shell(stdout=False, stderr=True)
extra = snakemake.params.get("extra", "")

shards = snakemake.input.get("shards")
if shards:
    inputs = f"--merge {shards}"
else:
    inputs = f"--input {snakemake.input.cells}"
vocabulary = snakemake.input.get("vocabulary")
if vocabulary:
    inputs += f" --vocabulary {vocabulary}"

shell(
    "panfoma-tokenize {inputs} --output {snakemake.output.tokens} --threads {snakemake.threads} {extra} {log}"
)
