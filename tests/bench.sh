#!/usr/bin/env bash
# Our model beside the same model in PyTorch, in one run, on this machine: cells a second and peak memory.
#
#   bash tests/bench.sh [--threads N] [--repeats N] [--presets "tiny small"] [--json FILE]
#
# PANFOMA_PYTHON     a Python with torch (default: python3)
# PANFOMA_REFERENCE  the folder with torch_baseline.py (default: ../shared/reference beside the checkout)
#
# Both run the same sequence lengths, batch and thread count, in turn; each figure is the median of its repeats.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
threads=1 repeats=3 presets="tiny small" json=
while [ $# -gt 0 ]; do
    case $1 in
        --threads) threads=$2; shift 2 ;;
        --repeats) repeats=$2; shift 2 ;;
        --presets) presets=$2; shift 2 ;;
        --json) json=$2; shift 2 ;;
        -h|--help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) echo "error: unknown argument \`$1\`" >&2; exit 64 ;;
    esac
done
python=${PANFOMA_PYTHON:-python3}
reference=${PANFOMA_REFERENCE:-../shared/reference}
"$python" -c 'import torch' 2>/dev/null || { echo "error: \`$python\` has no torch; set PANFOMA_PYTHON" >&2; exit 69; }
[ -f "$reference/torch_baseline.py" ] || { echo "error: no torch_baseline.py in \`$reference\`; set PANFOMA_REFERENCE" >&2; exit 66; }

cargo build --release --locked --quiet --package panfoma-tests --bin panfoma-model-bench
ours=${CARGO_TARGET_DIR:-target}/release/panfoma-model-bench
lines=$(mktemp)
trap 'rm -f "$lines"' EXIT

printf '%-7s %-6s %12s %12s %7s %12s %12s\n' preset mode 'ours cells/s' 'torch' ratio 'ours MiB' 'torch MiB'
for preset in $presets; do
    [ "$preset" = tiny ] && cells=16 || cells=4
    for mode in embed train; do
        arguments=(--preset "$preset" --mode "$mode" --cells "$cells" --threads "$threads" --repeats "$repeats")
        a=$("$ours" "${arguments[@]}")
        b=$(cd "$reference" && PYTHONDONTWRITEBYTECODE=1 "$python" torch_baseline.py "${arguments[@]}")
        printf '%s\n%s\n' "$a" "$b" >>"$lines"
        "$python" - "$a" "$b" <<'PY'
import json, sys
a, b = map(json.loads, sys.argv[1:])
print(f"{a['preset']:<7} {a['mode']:<6} {a['cells_per_s']:12.2f} {b['cells_per_s']:12.2f} "
      f"{a['cells_per_s'] / b['cells_per_s']:6.1f}x {a['peak_rss_mib']:12} {b['peak_rss_mib']:12}")
PY
    done
done
if [ -n "$json" ]; then cp "$lines" "$json"; fi
