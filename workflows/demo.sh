#!/usr/bin/env bash
# All seven stages, from raw counts to a report.
#
#   bash workflows/demo.sh [INPUT...] [--out DIR] [--label COLUMN] [--split SPEC] [--threads N] [--seed N]
#
#   INPUT     count matrices of any format that panfoma-qc reads; without any, a tumour cohort is simulated
#   --out     where everything goes; one folder or file an artifact (default: panfoma-demo)
#   --label   the obs column to predict (default: cancer_type)
#   --split   how cells are held out, e.g. `patient:0.7,0.1,0.2` or `cell:0.8,0.1,0.1`
#             (default: patient:0.7,0.1,0.2: whole patients, a fifth of each label's for the test)
#   --regulators         genes that may regulate, a name a line (default: every gene, if few; simulated: the true ones)
#   --reference-network  known edges to score the network by (default: none; simulated: the true ones)
#   --steps   pretraining steps of 16 cells (default: 800); fine-tuning takes half as many at most
#
# Run again with the same --out, it goes on after the last finished stage; a stage cut short resumes.
#
#   bash workflows/demo.sh --out /tmp/demo
#   bash workflows/demo.sh tumours/*.h5ad --label cell_type --out /tmp/real
set -euo pipefail
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

out=panfoma-demo label=cancer_type split=patient:0.7,0.1,0.2 seed=0 steps=800 inputs=() common=() regulators=() reference=()
while [ $# -gt 0 ]; do
    case $1 in
        --out) out=$2; shift 2 ;;
        --label) label=$2; shift 2 ;;
        --split) split=$2; shift 2 ;;
        --steps) steps=$2; shift 2 ;;
        --seed) seed=$2; shift 2 ;;
        --regulators) regulators=(--regulators "$(realpath -- "$2")"); shift 2 ;;
        --reference-network) reference=(--reference-network "$(realpath -- "$2")"); shift 2 ;;
        --threads) common+=(--threads "$2"); shift 2 ;;
        -h|--help) sed -n '2,20s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
        -*) echo "error: unknown option \`$1\`; see --help" >&2; exit 64 ;;
        *) inputs+=("$(realpath -- "$1")"); shift ;;
    esac
done
common+=(--seed "$seed")
mkdir -p "$out"
out=$(cd "$out" && pwd)

echo "== build" >&2
(cd "$home" && cargo build --release --locked --workspace --bins)
bin=${CARGO_TARGET_DIR:-$home/target}/release

# stage NAME OUTPUT ARGUMENTS...: runs a stage unless its output stands already.
stage() {
    local name=$1 output=$2
    shift 2
    if [ -e "$out/$output" ]; then echo "== $name: $output is there" >&2; return; fi
    echo "== $name" >&2
    (cd "$out" && "$bin/panfoma-$name" "$@" "${common[@]}")
}

if [ ${#inputs[@]} -eq 0 ]; then
    if [ ! -e "$out/cohort" ]; then
        echo "== simulate a cohort" >&2
        "$bin/panfoma-simulate-cohort" --out "$out/cohort" --seed "$seed"
    fi
    inputs=("$out"/cohort/*.h5ad)
    regulators=(--regulators "$out/cohort/truth/regulators.txt")
    reference=(--reference-network "$out/cohort/truth/network.csv")
fi

stage qc       cells.zarr         --input "${inputs[@]}" --output cells.zarr --skip-unusable
stage tokenize tokens             --input cells.zarr --output tokens --labels "$label" --split "$split" --stratify "$label" --n-top-genes 1200
stage pretrain pretrained         --input tokens --output pretrained --preset tiny --max-steps "$steps" --lr 1e-3 --max-valid-cells 512
stage finetune finetuned          --input tokens --model pretrained --output finetuned --label "$label" --mode frozen --head-init fitted --max-steps $((steps / 2))
stage embed    embeddings.parquet --input tokens --model finetuned --output embeddings.parquet --predictions predictions.parquet --draws 4
stage grn      edges.parquet      --input tokens --model pretrained --output edges.parquet --group-by "$label" "${regulators[@]}"
stage evaluate evaluation         --embeddings embeddings.parquet --predictions predictions.parquet --tokens tokens \
    --model pretrained --model finetuned --qc cells.zarr.qc.json --edges edges.parquet "${reference[@]}" --universe tf \
    --label "$label" --batch study --output evaluation
echo "report: $out/evaluation/report.html"
