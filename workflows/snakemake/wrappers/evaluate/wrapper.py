__author__ = "The PanFoMa toolkit authors"
__copyright__ = "Copyright 2026, the PanFoMa toolkit authors"
__license__ = "MIT"

from snakemake.shell import shell

log = snakemake.log_fmt_shell(stdout=False, stderr=True)
extra = snakemake.params.get("extra", "")

files = f"--output {snakemake.output.evaluation}"
for name in ("embeddings", "predictions", "tokens", "qc", "edges", "reference_network"):
    if snakemake.input.get(name):
        files += f" --{name.replace('_', '-')} {snakemake.input.get(name)}"
models = snakemake.input.get("models", [])
for model in [models] if isinstance(models, str) else models:
    files += f" --model {model}"

shell("panfoma-evaluate {files} --threads {snakemake.threads} {extra} {log}")
