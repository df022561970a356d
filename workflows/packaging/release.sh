#!/usr/bin/env bash
# A release: the seven programs stripped and checked, their manual pages, completions and licences, in one archive.
#
#   bash workflows/packaging/release.sh OUT          (builds first, unless PANFOMA_BIN names the folder of release binaries)
#
# Writes OUT/panfoma-VERSION-ARCH-linux/{bin,share,LICENSE-*}, the same as .tar.gz, its checksum, and requirements.txt.
# Fails if a program needs a library that not every Linux has, or prints another version than Cargo.toml says.
# SOURCE_DATE_EPOCH (default: the time of the last commit) makes the archive's bytes those of its content alone.
set -euo pipefail
[ $# = 1 ] || { sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 64; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
fail() { echo "error: $1" >&2; exit 65; }

stages=(qc tokenize pretrain finetune embed grn evaluate)
# glibc, the compiler's own library, and what the kernel and the loader bring. The CUDA driver is opened at run time, if asked for.
allowed=(libc.so.6 libm.so.6 libgcc_s.so.1 libdl.so.2 libpthread.so.0 librt.so.1 ld-linux-x86-64.so.2 ld-linux-aarch64.so.1)

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
bin=${PANFOMA_BIN:-}
if [ -z "$bin" ]; then
    cargo build --release --locked --workspace --bins
    bin=${CARGO_TARGET_DIR:-target}/release
fi

name=panfoma-$version-$(uname -m)-linux
rm -rf "${out:?}/$name"
mkdir -p "$out/$name"/{bin,share/man/man1,share/bash-completion/completions,share/zsh/site-functions,share/fish/vendor_completions.d}
for stage in "${stages[@]}"; do
    program=$out/$name/bin/panfoma-$stage
    install -m 755 "$bin/panfoma-$stage" "$program"
    strip "$program"
    for library in $(readelf --dynamic "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
        case " ${allowed[*]} " in *" $library "*) ;; *) fail "panfoma-$stage needs \`$library\`, which is not on the list of allowed libraries" ;; esac
    done
    found=$("$program" --version)
    [ "$found" = "panfoma-$stage $version" ] || fail "panfoma-$stage --version prints \`$found\`, not \`panfoma-$stage $version\`"
    "$program" --man > "$out/$name/share/man/man1/panfoma-$stage.1"
    "$program" --completions bash > "$out/$name/share/bash-completion/completions/panfoma-$stage"
    "$program" --completions zsh > "$out/$name/share/zsh/site-functions/_panfoma-$stage"
    "$program" --completions fish > "$out/$name/share/fish/vendor_completions.d/panfoma-$stage.fish"
done
cp LICENSE-MIT LICENSE-APACHE "$out/$name/"

# The oldest glibc that all of them start with.
glibc=$(objdump --dynamic-syms "$out/$name"/bin/* | grep -o 'GLIBC_[0-9.]*' | sort --version-sort --unique | tail -n 1)
echo "glibc >= ${glibc#GLIBC_}" > "$out/requirements.txt"

epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
tar --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner -C "$out" -cf - "$name" | gzip -n > "$out/$name.tar.gz"
(cd "$out" && sha256sum "$name.tar.gz" > "$name.tar.gz.sha256")
echo "$out/$name.tar.gz: $(du -h "$out/$name.tar.gz" | cut -f 1), $(cat "$out/requirements.txt")" >&2
