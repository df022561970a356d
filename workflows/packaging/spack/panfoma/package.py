from spack.package import *


class Panfoma(CargoPackage):
    """A pan-cancer single-cell RNA foundation model, from raw counts to models, embeddings, networks and reports."""

    homepage = "https://example.org/panfoma"
    # At a release: url, and version("0.1.0", sha256="...").
    url = "https://example.org/panfoma/archive/v0.1.0.tar.gz"

    license("MIT OR Apache-2.0")

    version("0.1.0")

    depends_on("rust@1.91:", type="build")
    depends_on("c", type="build")

    stages = ("qc", "tokenize", "pretrain", "finetune", "embed", "grn", "evaluate")

    def build(self, spec, prefix):
        cargo = which("cargo")
        cargo("build", "--release", "--locked", "--workspace", "--bins")

    def install(self, spec, prefix):
        mkdirp(prefix.bin)
        for stage in self.stages:
            install(join_path("target", "release", f"panfoma-{stage}"), prefix.bin)
