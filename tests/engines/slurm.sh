#!/usr/bin/env bash
# The templates of workflows/slurm on real Slurm: a job that is waited for, an array, chains, two nodes, training that is
# signalled and requeued.
#
#   bash tests/engines/slurm.sh          (tests/engines/cluster.sh up starts a private Slurm)
#
# PANFOMA_BIN, CI: see begin.sh
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/begin.sh" slurm

templates=$root/workflows/slurm
if ! { command -v sbatch && scontrol ping; } > /dev/null 2>&1; then
    missing "no Slurm"
    exit 0
fi
undisturbed=
finish() {
    xargs --no-run-if-empty scancel 2> /dev/null < "$work/jobs" || true
    if [ -n "$undisturbed" ]; then kill "$undisturbed" 2> /dev/null && wait "$undisturbed" || true; fi
    rm -rf "$work"
}
trap finish EXIT

# job ARGUMENTS...: submits, prints the id; a small job, whatever the template asks for.
small=(--cpus-per-task 1 --mem 1000)
job() { sbatch --parsable --output '%x-%A.log' --open-mode append --time 10 "${small[@]}" "$@" | tee -a "$work/jobs"; }
# state ID: how the job ended, e.g. COMPLETED 0:0.
state() { scontrol show job "$1" | tr ' ' '\n' | awk -F = '/^JobState=/ { state = $2 } /^ExitCode=/ { code = $2 } END { print state, code }'; }
# ended ID STATE: waits until the job has left the queue; what became of it.
ended() {
    while [ -n "$(squeue --noheader --jobs "$1" --states pending,running,completing,configuring,suspended,requeued 2> /dev/null)" ]; do sleep 0.5; done
    [ "$(state "$1")" = "$2" ] || { cat ./*"-$1.log" >&2; fail "job $1 ended as $(state "$1"), not as $2"; }
}

simulate
cat > cohort.yaml <<'Y'
samplesheet: cohort/samplesheet.csv
outdir: demo
label: cancer_type
split: "patient:0.34,0.33,0.33"
tokenize:
  genes_args: "--n-top-genes 200"
pretrain:
  preset: tiny
  max_steps: 40
  args: "--n-chunks 2 --chunk-len 32 --batch-size 4 --max-valid-cells 16"
finetune:
  mode: full
  max_steps: 20
  args: "--batch-size 4 --max-valid-cells 64"
embed:
  args: "--draws 1"
grn:
  args: "--draws 1 --max-cells-per-group 40"
evaluate_args: "--batch study --max-map-cells 200 --max-cluster-cells 200"
Y
quietly demo.log bash "$root/workflows/demo.sh" --config cohort.yaml --threads 1
split=(--labels cancer_type --split patient:0.34,0.33,0.33 --stratify cancer_type)
shape=(--n-chunks 2 --chunk-len 32 --batch-size 4 --max-valid-cells 16)

say "training is signalled before its time limit, saves, is requeued and goes on"
# Slurm looks at time limits every 30 s: the signal, due after 20 s, comes within 50. Training must last longer on any machine:
# one thread cannot do 60 s of work in less.
TIMEFORMAT='%3U'
{ time panfoma-pretrain --input demo/tokens --output paced "${shape[@]}" --max-steps 200 --validate-every 100000 --threads 1 --quiet 2> /dev/null; } 2> pace.txt
steps=$(awk '{ print int(200 * 60 / ($1 + 0.01)) }' pace.txt)
long=(--input demo/tokens "${shape[@]}" --max-steps "$steps" --validate-every "$steps" --threads 1)
requeued=$(job --job-name requeued --time 2 --signal USR1@100 "$templates/pretrain.sbatch" "${long[@]}" --output requeued --checkpoint-dir checkpoints)
panfoma-pretrain "${long[@]}" --output undisturbed --quiet &
undisturbed=$!

say "a job is waited for, and its exit code is the stage's"
job --wait --job-name waited "$templates/stage.sbatch" panfoma-qc --manifest cohort/samplesheet.csv --output waited.zarr --skip-unusable > /dev/null || fail "qc as a job"
diff -rq waited.zarr demo/cells.zarr >&2 || fail "cells of a job differ"
code=0
job --wait --job-name missing "$templates/stage.sbatch" panfoma-qc --input nothing.h5ad --output nothing.zarr > /dev/null || code=$?
[ $code = 66 ] || fail "a missing input ended the job with $code, not 66"

say "an array of qc, a sample a task; then they are tokenized together"
ls cohort/*.h5ad > samples.txt
array=$(job --array 1-2 "$templates/qc-array.sbatch" samples.txt cells)
together=$(job --job-name together --dependency "afterok:$array" --kill-on-invalid-dep yes "$templates/stage.sbatch" \
    panfoma-tokenize --input cells/study_1.zarr cells/study_2.zarr --output together --vocabulary demo/genes.parquet "${split[@]}")
ended "$together" 'COMPLETED 0:0'
# What was read stands in the index.
diff -rq --exclude _index.json together demo/tokens >&2 || fail "tokens of samples that passed qc one by one differ"

say "from samplesheet to report as a chain of jobs"
last=$(
    export SHARDS=3 SPLIT=patient:0.34,0.33,0.33 GENES_ARGS='--n-top-genes 200' EMBED_ARGS='--draws 1' SBATCH_ARGS="--time 10 ${small[*]}"
    export PRETRAIN_ARGS="--preset tiny --max-steps 40 ${shape[*]}" FINETUNE_ARGS='--mode full --max-steps 20 --batch-size 4 --max-valid-cells 64'
    export GRN_ARGS='--draws 1 --max-cells-per-group 40' EVALUATE_ARGS='--batch study --max-map-cells 200 --max-cluster-cells 200'
    bash "$templates/chain.sh" cohort/samplesheet.csv cancer_type chain
)
echo "$last" >> jobs
while [ -n "$(squeue --noheader --jobs "$last" 2> /dev/null)" ]; do sleep 0.5; done
[ "$(state "$last")" = 'COMPLETED 0:0' ] || { tail -n 5 chain/logs/* >&2; fail "the chain's last job ended as $(state "$last")"; }
same chain demo

say "where a job of a chain fails, none after it starts"
bad=$(job --job-name bad "$templates/stage.sbatch" panfoma-tokenize --input nothing.zarr --output nothing)
after=$(job --job-name never --dependency "afterok:$bad" --kill-on-invalid-dep yes --wrap 'touch never')
ended "$bad" 'FAILED 66:0'
ended "$after" 'CANCELLED 0:0'
[ ! -e never ] || fail "a job ran although the one before it failed"

if panfoma-pretrain --help | grep -q -- --world-size; then
    say "two nodes, a rank each, signalled and requeued: one model"
    short=(--input demo/tokens "${shape[@]}" --max-steps 400 --validate-every 400 --threads 1)
    # The names of this cluster's nodes are no hosts; elsewhere rank 0 listens on the first node.
    ranks=$(MASTER_ADDR=127.0.0.1 job --job-name ranks --nodes 2 "$templates/pretrain.sbatch" "${short[@]}" --output ranks \
        --checkpoint-dir rank-checkpoints --checkpoint-every-steps 10)
    until compgen -G 'rank-checkpoints/step-*' > /dev/null || [ -z "$(squeue --noheader --jobs "$ranks")" ]; do sleep 0.1; done
    scancel --signal USR1 "$ranks"
    panfoma-pretrain "${short[@]}" --output alone --quiet
    ended "$ranks" 'COMPLETED 0:0'
    grep -q 'going on from step' "ranks-$ranks.log" || { cat "ranks-$ranks.log" >&2; fail "two ranks did not go on from a checkpoint"; }
    diff -rq ranks alone >&2 || fail "two ranks gave another model than one"
else
    missing "this panfoma-pretrain knows no ranks"
fi

say "waiting for the requeued job"
wait "$undisturbed" || fail "undisturbed training"
undisturbed=
ended "$requeued" 'COMPLETED 0:0'
log=requeued-$requeued.log
for line in 'ended with 138' 'start 1 of job' 'going on from step' 'ended with 0'; do
    grep -q "$line" "$log" || { cat "$log" >&2; fail "no \`$line\` in the log of the requeued job"; }
done
diff -rq requeued undisturbed >&2 || fail "the requeued job's model differs"
say "passed"
