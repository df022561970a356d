#!/usr/bin/env bash
# Everything that needs a GPU, in one command: is the CUDA backend right, is it the same twice, and how fast is it?
#
#   bash tests/gpu.sh [--device N] [--presets "small base"] [--json FILE] [--quick] [--probe N]
#   bash tests/gpu.sh --pack DIR     collect this script, built, into DIR for a machine that has a GPU and no Rust
#
# Checks: every operation and the goldens against the CPU backend and the reference (the tests that CI runs on the
# interpreter), the gradient of a whole step of `small` beside the CPU's, compute-sanitizer's four tools where it is installed,
# and two runs with the same bytes. Then cells a second, and each kernel's time beside its bound on this card (what a copy and
# a product of 8192 reach here). With torch, its attention and the reference model beside ours.
#
# PANFOMA_PYTHON     a Python for the table, with torch for the comparison (default: python3)
# PANFOMA_REFERENCE  the folder with torch_baseline.py (default: ../shared/reference beside the checkout)
#
# --quick leaves compute-sanitizer out; --probe N measures the card with a product of N and checks `tiny`: for a device that is no GPU
# (kernels/fake-cuda under the names libcuda.so and libcublasLt.so in a folder of LD_LIBRARY_PATH), whose times say nothing.
# Ends with 0, with 1 if a check fails, with 69 and a reason where no GPU can be used.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
device=0 presets="small base" json= pack= quick= probe=8192 parity=small few=
while [ $# -gt 0 ]; do
    case $1 in
        --device) device=$2; shift 2 ;;
        --presets) presets=$2; shift 2 ;;
        --json) json=$2; shift 2 ;;
        --pack) pack=$2; shift 2 ;;
        --quick) quick=1; shift ;;
        --probe) probe=$2 parity=tiny few=1; shift 2 ;;
        -h|--help) sed -n '2,20s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) echo "error: unknown argument \`$1\`" >&2; exit 64 ;;
    esac
done

# Prints the paths of the bench and of the tests, built if there is something to build them from.
built() {
    cargo build --release --locked --quiet --package panfoma-tests --bin panfoma-gpu-bench
    cargo test --release --locked --quiet --package panfoma-core --test cuda --no-run --message-format json |
        sed -n 's/.*"executable":"\([^"]*\/cuda-[^"]*\)".*/\1/p' | tail -1
}
if [ -x "$here/panfoma-gpu-bench" ]; then
    bench=$here/panfoma-gpu-bench tests=$here/panfoma-cuda-tests
    export PANFOMA_GOLDENS=$here/goldens
else
    cd "$here/.."
    tests=$(built)
    bench=${CARGO_TARGET_DIR:-target}/release/panfoma-gpu-bench
fi
if [ -n "$pack" ]; then
    mkdir -p "$pack/goldens"
    cp "$bench" "$pack/panfoma-gpu-bench"
    cp "$tests" "$pack/panfoma-cuda-tests"
    cp "$here/gpu.sh" "$here/python/gpu_peer.py" "$pack/"
    cp "$here"/data/goldens/model_*.safetensors "$pack/goldens/"
    echo "packed \`$pack\`: copy it, then \`bash $(basename "$pack")/gpu.sh\`" >&2
    exit 0
fi

lines=$(mktemp)
trap 'rm -f "$lines"' EXIT
bench() { "$bench" --device "$device" --probe "$probe" "$@" | tee -a "$lines"; }
failed=0
check() { # check NAME COMMAND...
    local name=$1 log
    shift
    log=$(mktemp)
    if "$@" >"$log" 2>&1; then
        echo "ok      $name" >&2
        printf '{"check": "%s", "ok": true}\n' "$name" >>"$lines"
    else
        echo "FAILED  $name" >&2
        tail -30 "$log" >&2
        printf '{"check": "%s", "ok": false}\n' "$name" >>"$lines"
        failed=1
    fi
    rm -f "$log"
}

# Its own message says why there is none.
bench check >&2 || exit $?
export PANFOMA_TEST_DEVICE=cuda:$device
check "operations" "$tests" ops:: --test-threads 1
check "goldens" "$tests" goldens:: --test-threads 1
check "learning" "$tests" learning:: --test-threads 1
check "queues" "$tests" queues:: --test-threads 1
check "gradient of a whole step" "$bench" --device "$device" parity --preset "$parity"
digest() { "$bench" --device "$device" digest --preset "$parity" ${few:+--cells 2}; }
twice() { local first && first=$(digest) && [ "$first" = "$(digest)" ]; }
check "two runs, the same bytes" twice
if command -v compute-sanitizer >/dev/null && [ -z "$quick" ]; then
    for tool in memcheck racecheck initcheck synccheck; do
        check "compute-sanitizer $tool" compute-sanitizer --tool "$tool" --error-exitcode 1 "$tests" ops:: --test-threads 1
    done
else
    echo "skipped compute-sanitizer" >&2
fi

for preset in $presets; do
    case $preset in tiny) cells=1 ;; base) cells=32 ;; *) cells=64 ;; esac
    for mode in embed train; do
        bench run --preset "$preset" --mode "$mode" --cells "$cells" ${few:+--repeats 1} >/dev/null || failed=1
    done
done
python=${PANFOMA_PYTHON:-python3}
if "$python" -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null; then
    peer=$here/gpu_peer.py
    [ -f "$peer" ] || peer=$here/python/gpu_peer.py
    "$python" "$peer" --reference "${PANFOMA_REFERENCE:-$here/../../shared/reference}" >>"$lines" || failed=1
else
    echo "skipped PyTorch: \`$python\` has none that sees a GPU" >&2
fi

if command -v "$python" >/dev/null; then
    "$python" - "$lines" <<'PY'
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1]) if line.strip()]
device = next(r["device"] for r in rows if "device" in r)
print(device)
if "interpreter" in device:
    print("This device is no GPU: the times below show that they are taken, and say nothing else.")
print(f"{'preset':<7} {'mode':<6} {'cells':>5} {'cells/s':>10} {'GiB':>6}")
for r in (r for r in rows if "cells_per_s" in r):
    run = r["run"]
    print(f"{run['preset']:<7} {run['mode']:<6} {run['cells']:5} {r['cells_per_s']:10.1f} {r['memory_gib']:6.1f}")
runs = sorted({json.dumps(r["run"]) for r in rows if "kernel" in r})
for run in runs:
    kernels = [r["kernel"] for r in rows if "kernel" in r and json.dumps(r["run"]) == run]
    whole = sum(k["ms"] for k in kernels)
    print(f"\n{run}: {whole:.1f} ms of work")
    print(f"{'kernel':<40} {'calls':>5} {'ms':>9} {'share':>6} {'of bound':>8} {'TFLOP/s':>8} {'GB/s':>7}")
    for k in kernels[:25]:
        of = f"{k['of_bound']:.0%}" if k["of_bound"] else ""
        print(f"{k['name']:<40} {k['calls']:5} {k['ms']:9.2f} {k['ms'] / whole:6.1%} {of:>8} "
              f"{k['tflops']:8.1f} {k['gb_per_s']:7.0f}")
for r in (r for r in rows if "torch" in r):
    print(json.dumps(r))
PY
fi
if [ -n "$json" ]; then cp "$lines" "$json"; fi
exit $failed
