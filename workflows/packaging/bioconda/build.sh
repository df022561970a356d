#!/usr/bin/env bash
set -xeuo pipefail
export CARGO_PROFILE_RELEASE_STRIP=symbols

cargo-bundle-licenses --format yaml --output THIRDPARTY.yml
cargo build --release --locked --workspace --bins

bin=${CARGO_TARGET_DIR:-target}${CARGO_BUILD_TARGET:+/$CARGO_BUILD_TARGET}/release
mkdir -p "$PREFIX"/{bin,share/man/man1,share/bash-completion/completions}
for stage in qc tokenize pretrain finetune embed grn evaluate; do
    install -m 755 "$bin/panfoma-$stage" "$PREFIX/bin/"
    # A program for another machine cannot be asked for its manual page.
    if [ "${build_platform:-}" = "${target_platform:-}" ]; then
        "$bin/panfoma-$stage" --man > "$PREFIX/share/man/man1/panfoma-$stage.1"
        "$bin/panfoma-$stage" --completions bash > "$PREFIX/share/bash-completion/completions/panfoma-$stage"
    fi
done
