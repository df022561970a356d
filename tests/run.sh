#!/usr/bin/env bash
# Builds the binaries and runs every test. Needs Rust and a C compiler; nothing else.
#
#   bash tests/run.sh [arguments of `cargo test`]
#
# PANFOMA_DATA    the real data sets (default: ../shared/data beside the checkout)
# PANFOMA_PYTHON  a Python with anndata and pyarrow: artifacts are then also read by the tools users have
# PANFOMA_PTXAS   NVIDIA's assembler: the kernels are then also assembled and held to their budgets
# CI=true         a missing data folder, Python or assembler fails instead of being reported as skipped
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The integration tests drive the binaries themselves, so these come first.
cargo build --release --locked --workspace --bins
cargo test --release --locked --workspace "$@"
