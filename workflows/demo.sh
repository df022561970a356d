#!/usr/bin/env bash
# All seven stages, from raw counts to a report.
#
#   bash workflows/demo.sh [INPUT...] [--config FILE] [--out DIR] [--label COLUMN] [--split SPEC] [--threads N] [--seed N]
#
#   INPUT     count matrices of any format that panfoma-qc reads; without any, those of the samplesheet;
#             without a samplesheet, a tumour cohort is simulated
#   --config  a configuration as Snakemake and Nextflow take it (workflows/config.yaml has the defaults);
#             the options here win
#   --samplesheet  the inputs as a table; other columns say what holds for all cells of an input
#   --out     where everything goes; one folder or file an artifact (default: panfoma-demo)
#   --label   the obs column to predict (default: cancer_type)
#   --split   how cells are held out, e.g. `patient:0.7,0.1,0.2` or `cell:0.8,0.1,0.1`
#             (default: patient:0.7,0.1,0.2: whole patients, a fifth of each label's for the test)
#   --regulators         genes that may regulate, a name a line (default: every gene, if few; simulated: the true ones)
#   --reference-network  known edges to score the network by (default: none; simulated: the true ones)
#   --steps   pretraining steps of 16 cells (default: 800); fine-tuning takes half as many at most
#
# Run again with the same --out, it goes on after the last finished stage; a stage cut short resumes.
# The binaries are built first, unless PANFOMA_BIN names their folder.
#
#   bash workflows/demo.sh --out /tmp/demo
#   bash workflows/demo.sh tumours/*.h5ad --label cell_type --out /tmp/real
#   bash workflows/demo.sh --config my.yaml
set -euo pipefail
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
fail() { echo "error: $1" >&2; exit "${2:-64}"; }


# Values of a configuration, by `key` or `group.key`. Reads plain `key: value` lines, one level deep.
declare -A config=()
read_config() {
    [ -f "$1" ] || fail "there is no configuration \`$1\`" 66
    local key value lines
    lines=$(awk '
        function bad(what) { printf "error: %s:%d: %s: %s\n", FILENAME, FNR, what, $0 > "/dev/stderr"; exit 78 }
        /^[[:space:]]*(#.*)?$/ || /^---$/ { next }
        !/^ *[a-z_]+:([[:space:]]|$)/ { bad("expected `key: value`") }
        {
            key = value = $0
            sub(/:.*/, "", key)
            sub(/^ *[a-z_]+:[[:space:]]*/, "", value)
            nested = sub(/^ +/, "", key)
            if (value ~ /^".*"[[:space:]]*(#.*)?$/) {
                sub(/^"/, "", value); sub(/"[[:space:]]*(#.*)?$/, "", value)
                if (value ~ /["\\]/) bad("a value without quotes and backslashes is needed")
            } else {
                sub(/(^|[[:space:]]+)#.*/, "", value); sub(/[[:space:]]+$/, "", value)
                if (value ~ /^[&*{\[|>'"'"'"!]/) bad("only plain and double-quoted values are read here")
                if (value == "" && !nested) { group = key; next }
                if (value == "null" || value == "~") value = ""
            }
            print (nested ? group "." : "") key "\t" value
        }' "$1")
    while IFS=$'\t' read -r key value; do
        if [ "${2:-}" != defaults ] && [ -z "${config[$key]+known}" ]; then fail "$1: no key is called \`$key\`" 78; fi
        config[$key]=$value
    done <<< "$lines"
}
read_config "$home/workflows/config.yaml" defaults
config[samplesheet]="" config[outdir]=panfoma-demo

threads=() inputs=()
while [ $# -gt 0 ]; do
    case $1 in
        -h|--help) sed -n '2,27s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
        -*) [ $# -gt 1 ] || fail "\`$1\` needs a value; see --help" ;;&
        --config) read_config "$2"; shift 2 ;;
        --samplesheet) config[samplesheet]=$2; shift 2 ;;
        --out) config[outdir]=$2; shift 2 ;;
        --label) config[label]=$2; shift 2 ;;
        --split) config[split]=$2; shift 2 ;;
        --steps) config[pretrain.max_steps]=$2 config[finetune.max_steps]=$(($2 / 2)); shift 2 ;;
        --seed) config[seed]=$2; shift 2 ;;
        --regulators) config[grn.regulators]=$2; shift 2 ;;
        --reference-network) config[grn.reference_network]=$2; shift 2 ;;
        --threads) threads=(--threads "$2"); shift 2 ;;
        -*) fail "unknown option \`$1\`; see --help" ;;
        *) inputs+=("$(realpath -- "$1")"); shift ;;
    esac
done

mkdir -p "${config[outdir]}"
out=$(cd "${config[outdir]}" && pwd)
bin=${PANFOMA_BIN:-}
if [ -z "$bin" ]; then
    echo "== build" >&2
    (cd "$home" && cargo build --release --locked --workspace --bins)
    bin=${CARGO_TARGET_DIR:-$home/target}/release
fi

if [ ${#inputs[@]} -eq 0 ] && [ -z "${config[samplesheet]}" ]; then
    if [ ! -e "$out/cohort/samplesheet.csv" ]; then
        echo "== simulate a cohort" >&2
        "$bin/panfoma-simulate-cohort" --out "$out/cohort" --seed "${config[seed]}" --force
        (cd "$out/cohort" && printf '%s\n' study,path && for file in *.h5ad; do echo "${file%.h5ad},$file"; done) > "$out/samplesheet.csv"
        mv "$out/samplesheet.csv" "$out/cohort/"
    fi
    config[samplesheet]=$out/cohort/samplesheet.csv
    config[grn.regulators]=$out/cohort/truth/regulators.txt
    config[grn.reference_network]=$out/cohort/truth/network.csv
fi
set -o noglob # from here on, arguments are words and nothing else

# file FLAG KEY: the flag with the file that the configuration names, absolute, if it names one.
file() { if [ -n "${config[$2]:-}" ]; then flags=("$1" "$(realpath -- "${config[$2]}")"); else flags=(); fi; }
# value FLAG KEY: the flag with the value, if there is one.
value() { if [ -n "${config[$2]:-}" ]; then echo "$1 ${config[$2]}"; fi; }

# stage NAME OUTPUT ARGUMENTS...: runs a stage unless its output stands already.
stage() {
    local name=$1 output=$2
    shift 2
    if [ -e "$out/$output" ]; then echo "== $name: $output is there" >&2; return; fi
    echo "== $name: $output" >&2
    (cd "$out" && "$bin/panfoma-$name" "$@" --seed "${config[seed]}" "${threads[@]}")
}

label=${config[label]} stratify=${config[stratify]:-${config[label]}} device="--device ${config[device]}"
labels=$label
[ "$stratify" = "$label" ] || labels=$label,$stratify
split="--labels $labels --split ${config[split]} --stratify $stratify"
checkpoints=$(realpath -m -- "${config[checkpoint_dir]:-$out/checkpoints}")

if [ ${#inputs[@]} -gt 0 ]; then cells=(--input "${inputs[@]}"); else file --manifest samplesheet; cells=("${flags[@]}"); fi
file --label-map label_map
stage qc cells.zarr "${cells[@]}" "${flags[@]}" --output cells.zarr ${config[qc_args]}

file "" pretrain.checkpoint
pretrained=${flags[1]:-pretrained} vocabulary=${flags[1]:-genes.parquet}
if [ -z "${config[pretrain.checkpoint]}" ]; then
    stage tokenize genes.parquet --input cells.zarr --output genes.parquet --fit-only $split \
        ${config[tokenize.genes_args]} ${config[tokenize.args]}
fi
stage tokenize tokens --input cells.zarr --output tokens --vocabulary "$vocabulary" $split ${config[tokenize.args]}
if [ -z "${config[pretrain.checkpoint]}" ]; then
    stage pretrain pretrained --input tokens --output pretrained --preset "${config[pretrain.preset]}" \
        $(value --max-steps pretrain.max_steps) ${config[pretrain.args]} $device --checkpoint-dir "$checkpoints/pretrain"
fi
stage finetune finetuned --input tokens --model "$pretrained" --output finetuned --label "$label" --mode "${config[finetune.mode]}" \
    $(value --max-steps finetune.max_steps) ${config[finetune.args]} $device --checkpoint-dir "$checkpoints/finetune"
stage embed embeddings.parquet --input tokens --model finetuned --output embeddings.parquet --predictions predictions.parquet \
    ${config[embed.args]} $device
file --regulators grn.regulators
stage grn edges.parquet --input tokens --model "$pretrained" --output edges.parquet --group-by "$label" "${flags[@]}" \
    ${config[grn.args]} $device
file --reference-network grn.reference_network
stage evaluate evaluation --embeddings embeddings.parquet --predictions predictions.parquet --tokens tokens \
    --model "$pretrained" --model finetuned --qc cells.zarr.qc.json --edges edges.parquet "${flags[@]}" --label "$label" \
    ${config[evaluate_args]} --output evaluation
echo "report: $out/evaluation/report.html"
