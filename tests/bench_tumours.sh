#!/usr/bin/env bash
# The model beside every baseline on the real sets: each task pretrains on its own training cells, then learns its label.
#
#   bash tests/bench_tumours.sh OUT [TASK...]      tasks: ctcl lung tcells pbmc pbmc_across pancreas pancancer
#
# PANFOMA_DATA    the real data sets (default: ../shared/data beside the checkout)
# PANFOMA_BIN     the binaries (default: target/release)
# STEPS           of pretraining (default: 250); fine-tuning takes as many at most
# SEEDS           of everything that is trained (default: 0); of several, tests/python/tumours_table.py gives mean ± sd
#
# Run again with the same OUT, it goes on after the last finished stage. The table: OUT/comparison/report.html.
set -euo pipefail
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
data=$(realpath "${PANFOMA_DATA:-$home/../shared/data}")
bin=$(realpath "${PANFOMA_BIN:-$home/target/release}")
steps=${STEPS:-250}
read -ra seeds <<<"${SEEDS:-0}"
[ $# -gt 0 ] || { sed -n '2,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 64; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift
[ $# -gt 0 ] || set -- ctcl lung tcells pbmc pbmc_across pancreas pancancer

# stage NAME OUTPUT ARGUMENTS...: runs a stage in the task's folder unless its output stands already.
stage() {
    local name=$1 output=$2
    shift 2
    [ -e "$output" ] || { echo "== $task: $name -> $output" >&2; "$bin/panfoma-$name" --output "$output" --quiet "$@"; }
}

# learn LABEL BATCH TOKENIZE-FLAGS...: from cells.zarr to the evaluation.
learn() {
    local label=$1 batch=$2 groups=study,sample,patient
    shift 2
    [[ ,$groups, = *,$batch,* ]] || groups+=,$batch
    stage tokenize tokens --input cells.zarr --labels "$label" --groups "$groups" --n-top-genes 1200 "$@"
    local seed
    for seed in "${seeds[@]}"; do
        mkdir -p "$(place "$seed")"
        train "$label" "$batch" "$(place "$seed")" "$seed"
    done
}

# place SEED: where in the task's folder lies what this seed made: the first in the folder itself.
place() {
    if [ "$1" = "${seeds[0]}" ]; then echo .; else echo "seed$1"; fi
}

# train LABEL BATCH FOLDER SEED: from tokens to the evaluation.
train() {
    local label=$1 batch=$2 at=$3 seed=(--seed "$4")
    stage pretrain "$at/pretrained" --input tokens --preset tiny --max-steps "$steps" --lr 1e-3 --max-valid-cells 256 "${seed[@]}"
    # Not a step, and nothing fitted: random weights.
    stage pretrain "$at/random" --input tokens --preset tiny --max-steps 0 --embedding-init random "${seed[@]}"
    local of=(--input tokens --label "$label" --max-steps "$steps" --model "$at/pretrained" "${seed[@]}")
    stage finetune "$at/frozen" "${of[@]}" --mode frozen --head-init fitted
    stage finetune "$at/full" "${of[@]}" --mode full
    stage finetune "$at/scratch" "${of[@]}" --mode scratch
    local model
    for model in frozen full scratch; do
        stage embed "$at/$model.parquet" --input tokens --model "$at/$model" --predictions "$at/$model.predictions.parquet"
    done
    for model in pretrained random; do stage embed "$at/$model.parquet" --input tokens --model "$at/$model"; done
    stage evaluate "$at/evaluation" --embeddings "$at/pretrained.parquet" --tokens tokens --label "$label" --batch "$batch" \
        --predictions "$at/frozen.predictions.parquet" --predictions "fine_tuned=$at/full.predictions.parquet" \
        --predictions "from_scratch=$at/scratch.predictions.parquet" --probe "random_weights=$at/random.parquet" \
        --model "$at/pretrained" --qc cells.zarr.qc.json
    # The embedding that learning the label leaves behind.
    stage evaluate "$at/fine_tuned" --embeddings "$at/full.parquet" --tokens tokens --label "$label" --batch "$batch"
}

ctcl() { # skin of three patients with cutaneous T-cell lymphoma, of three without; whole patients are held out
    stage qc cells.zarr --input "$data/tumor_ctcl_skin_gaydosik2019.h5ad"
    learn disease patient --split patient:0.4,0.2,0.4 --stratify disease
}

lung() { # a lung tumour teaches epithelial against immune cells, five lung cancer lines are the test
    printf 'study,path\nkim,%s\nlines,%s\n' "$data"/tumor_lung_{luad_kim2020_T34,celllines_scmixology}.h5ad >studies.csv
    {
        echo column,study,from,to
        echo cell_type,kim,Epithelial cells,epithelial
        printf 'cell_type,kim,%s,immune\n' 'Myeloid cells' 'T lymphocytes' 'B lymphocytes'
        printf 'cell_type,lines,%s,epithelial\n' A549 H1975 H2228 HCC827 H838
    } >labels.csv
    stage qc cells.zarr --manifest studies.csv --label-map labels.csv
    learn cell_type study --split study:1,0,0 --test-groups lines
}

tcells() { # T cells of four cancers, whole patients are held out
    stage qc cells.zarr --input "$data/tumor_pancancer_tcells_wu2020.h5ad"
    learn cancer_type patient --split patient:0.6,0.2,0.2 --stratify cancer_type
}

pbmc() { # types across ten sorted populations of one donor: cells are held out, which flatters every method
    stage qc cells.zarr --input "$data/normal_pbmc_facs_zheng2017.h5ad"
    learn cell_type batch --split cell:0.6,0.1,0.3 --stratify cell_type
}

pbmc_across() { # the same donor teaches, another study's blood by another technology is the test
    printf 'study,path\nzheng,%s\nteaseq,%s\n' "$data"/{normal_pbmc_facs_zheng2017,multiome_pbmc_teaseq_rna_adt}.h5ad >studies.csv
    {
        echo column,study,from,to
        printf 'cell_type,teaseq,%s,T cell\n' T.CD4.Memory T.CD4.Naive T.CD8.Effector T.CD8.Naive
        printf 'cell_type,teaseq,%s,B cell\n' B.Naive B.Activated
        printf 'cell_type,teaseq,%s\n' NK,NK\ cell Mono.CD14,CD14+
    } >labels.csv
    stage qc cells.zarr --manifest studies.csv --label-map labels.csv
    learn cell_type study --split study:1,0,0 --test-groups teaseq
}

pancreas() { # donors of five technologies, whole donors are held out; three technologies have corrected counts
    stage qc cells.zarr --input "$data/pancreas_panc8_small_5tech.h5ad" --round-corrected-counts
    learn cell_type assay --split patient:0.4,0.1,0.5
}

pancancer() { # every tumour set, cancer types by patients: confounded with the study by design
    stage qc cells.zarr --input "$data"/tumor_*.h5ad --skip-unusable
    learn cancer_type study --split patient:0.7,0.1,0.2 --stratify cancer_type
}

runs=()
for task in "$@"; do
    mkdir -p "$out/$task"
    cd "$out/$task"
    "$task"
    runs+=("$task=$out/$task/evaluation" "${task}_fine_tuned=$out/$task/fine_tuned")
    for seed in "${seeds[@]:1}"; do
        runs+=("${task}_seed$seed=$out/$task/$(place "$seed")/evaluation")
    done
done
"$bin/panfoma-evaluate" --compare "${runs[@]}" --output "$out/comparison" --force --quiet
