#!/usr/bin/env bash
# From samplesheet to report as a chain of jobs: each starts when those before it have ended well; where one fails, the rest is
# cancelled. Prints the id of the last job.
#
#   bash chain.sh SAMPLESHEET LABEL OUTDIR
#
# What to change stands here; the values are those of workflows/config.yaml, and so are the bytes that come out.
set -euo pipefail
[ $# = 3 ] || { sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 64; }
here=$(dirname "$(realpath -- "${BASH_SOURCE[0]}")") samplesheet=$(realpath -- "$1") label=$2
mkdir -p "$3" && cd "$3" && mkdir -p logs

shards=${SHARDS:-4}
seed=(--seed "${SEED:-0}")
split=(--labels "$label" --split "${SPLIT:-patient:0.7,0.1,0.2}" --stratify "$label")
genes=(${GENES_ARGS:---n-top-genes 1200})
pretrain=(${PRETRAIN_ARGS:---preset tiny --max-steps 800 --lr 1e-3 --max-valid-cells 512})
finetune=(${FINETUNE_ARGS:---mode full --max-steps 400})
embed=(${EMBED_ARGS:---draws 4})
grn=(${GRN_ARGS:-})
evaluate=(${EVALUATE_ARGS:---universe tf --batch study})
sbatch=(${SBATCH_ARGS:-}) # account, partition, time, memory: for all jobs

# job NAME AFTER[:AFTER...] ARGUMENTS...: submits, prints the id.
job() {
    local name=$1 after=$2
    shift 2
    sbatch --parsable --job-name "$name" --output "logs/%x-%A-%a.log" ${after:+--dependency "afterok:$after" --kill-on-invalid-dep yes} \
        "${sbatch[@]}" "$@"
}

qc=$(job qc "" "$here/stage.sbatch" panfoma-qc --manifest "$samplesheet" --output cells.zarr --skip-unusable "${seed[@]}")
genes=$(job genes "$qc" "$here/stage.sbatch" panfoma-tokenize --input cells.zarr --output genes.parquet --fit-only "${split[@]}" \
    "${genes[@]}" "${seed[@]}")
shard=$(job shards "$genes" --array "1-$shards" --wrap "panfoma-tokenize --input cells.zarr --output shard-\$SLURM_ARRAY_TASK_ID \
    --vocabulary genes.parquet --shard \$SLURM_ARRAY_TASK_ID/$shards ${split[*]} ${seed[*]}")
tokens=$(job merge "$shard" --wrap "panfoma-tokenize --merge shard-*[0-9] --output tokens && rm -r shard-*")
pretrain=$(job pretrain "$tokens" "$here/pretrain.sbatch" --input tokens --output pretrained "${pretrain[@]}" "${seed[@]}")
finetune=$(STAGE=panfoma-finetune job finetune "$pretrain" "$here/pretrain.sbatch" --input tokens --model pretrained \
    --output finetuned --label "$label" "${finetune[@]}" "${seed[@]}")
embed=$(job embed "$finetune" "$here/stage.sbatch" panfoma-embed --input tokens --model finetuned --output embeddings.parquet \
    --predictions predictions.parquet "${embed[@]}" "${seed[@]}")
grn=$(job grn "$pretrain" "$here/stage.sbatch" panfoma-grn --input tokens --model pretrained --output edges.parquet \
    --group-by "$label" "${grn[@]}" "${seed[@]}")
job evaluate "$embed:$grn" "$here/stage.sbatch" panfoma-evaluate --embeddings embeddings.parquet --predictions predictions.parquet \
    --tokens tokens --model pretrained --model finetuned --qc cells.zarr.qc.json --edges edges.parquet --label "$label" \
    "${evaluate[@]}" --output evaluation "${seed[@]}"
