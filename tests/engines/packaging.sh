#!/usr/bin/env bash
# A release made from the built binaries: what it holds, that it starts, and that foreign libraries are refused.
#
#   bash tests/engines/packaging.sh          PANFOMA_BIN: see begin.sh
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/begin.sh" packaging

release=$root/workflows/packaging/release.sh
bash "$release" "$work/out"
(cd "$work/out" && sha256sum --quiet --check ./*.sha256) || fail "the checksum is not the archive's"
tar -xzf "$work"/out/*.tar.gz -C "$work"
unpacked=$(echo "$work"/panfoma-*)
for stage in qc tokenize pretrain finetune embed grn evaluate; do
    env -i "$unpacked/bin/panfoma-$stage" --help > /dev/null || fail "panfoma-$stage does not start"
    grep -q "panfoma.$stage" "$unpacked/share/man/man1/panfoma-$stage.1" || fail "panfoma-$stage has no manual page"
    bash -n "$unpacked/share/bash-completion/completions/panfoma-$stage" || fail "panfoma-$stage has no completions"
done

# A program that needs another library.
mkdir "$work/foreign"
for program in "$PANFOMA_BIN"/panfoma-*; do ln -s "$program" "$work/foreign/"; done
cp --remove-destination "$(command -v bash)" "$work/foreign/panfoma-qc"
code=0
PANFOMA_BIN=$work/foreign bash "$release" "$work/refused" 2> "$work/log" || code=$?
[ "$code" = 65 ] && grep -q 'panfoma-qc needs `' "$work/log" || { cat "$work/log" >&2; fail "a program with a foreign library was released ($code)"; }
echo "packaging: passed" >&2
