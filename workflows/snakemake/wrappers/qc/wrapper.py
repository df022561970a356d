__author__ = "The PanFoMa toolkit authors"
__copyright__ = "Copyright 2026, the PanFoMa toolkit authors"
__license__ = "MIT"

from snakemake.shell import shell

log = snakemake.log_fmt_shell(stdout=False, stderr=True)
extra = snakemake.params.get("extra", "")

manifest = snakemake.input.get("manifest")
if manifest:
    inputs = f"--manifest {manifest}"
else:
    inputs = f"--input {snakemake.input.matrices}"
label_map = snakemake.input.get("label_map")
if label_map:
    inputs += f" --label-map {label_map}"

shell(
    "panfoma-qc {inputs} --output {snakemake.output.cells} --threads {snakemake.threads} {extra} {log}"
)
