__author__ = "The PanFoMa toolkit authors"
__copyright__ = "Copyright 2026, the PanFoMa toolkit authors"
__license__ = "MIT"

from snakemake.shell import shell

log = snakemake.log_fmt_shell(stdout=False, stderr=True)
extra = snakemake.params.get("extra", "")

inputs = f"--input {snakemake.input.tokens}"
init = snakemake.input.get("init")
if init:
    inputs += f" --init {init}"
checkpoints = snakemake.params.get("checkpoints")
if checkpoints:
    inputs += f" --checkpoint-dir {checkpoints}"

shell(
    "panfoma-pretrain {inputs} --output {snakemake.output.model} --threads {snakemake.threads} {extra} {log}"
)
