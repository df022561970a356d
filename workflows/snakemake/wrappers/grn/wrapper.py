__author__ = "The PanFoMa toolkit authors"
__copyright__ = "Copyright 2026, the PanFoMa toolkit authors"
__license__ = "MIT"

from snakemake.shell import shell

log = snakemake.log_fmt_shell(stdout=False, stderr=True)
extra = snakemake.params.get("extra", "")

files = f"--output {snakemake.output.edges}"
for name, flag in (
    ("tokens", "--input"),
    ("expression", "--expression"),
    ("model", "--model"),
    ("regulators", "--regulators"),
    ("gene_sets", "--gene-sets"),
):
    if snakemake.input.get(name):
        files += f" {flag} {snakemake.input.get(name)}"
if snakemake.output.get("programs"):
    files += f" --programs {snakemake.output.programs}"

shell("panfoma-grn {files} --threads {snakemake.threads} {extra} {log}")
