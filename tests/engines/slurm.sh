#!/usr/bin/env bash
# The stages as Slurm jobs, on real Slurm: waited for, as an array, as a chain, over two nodes, and signalled and requeued.
#
#   bash tests/engines/slurm.sh          (tests/engines/cluster.sh up starts a private Slurm)
#
# PANFOMA_BIN   the folder of the release binaries (default: target/release)
# CI=true       a missing Slurm fails instead of being reported as skipped
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=$PWD
target=${CARGO_TARGET_DIR:-$root/target}
export PANFOMA_BIN=${PANFOMA_BIN:-$target/release}
say() { echo "slurm: $1" >&2; }
fail() { say "FAILED: $1"; exit 1; }
missing() { [ "${CI:-}" != true ] || fail "$1"; say "skipped: $1"; }

[ -x "$PANFOMA_BIN/panfoma-qc" ] || fail "no binaries in \`$PANFOMA_BIN\`: cargo build --release --workspace --bins"
export PATH=$PANFOMA_BIN:$PATH
if ! { command -v sbatch && scontrol ping; } > /dev/null 2>&1; then
    missing "no Slurm"
    exit 0
fi
mkdir -p "$target/engines"
work=$(mktemp -d -p "$target/engines" slurm.XXXXXX)
work=$(cd "$work" && pwd -P)
undisturbed=
finish() {
    xargs --no-run-if-empty scancel 2> /dev/null < "$work/jobs" || true
    if [ -n "$undisturbed" ]; then kill "$undisturbed" 2> /dev/null && wait "$undisturbed" || true; fi
    rm -rf "$work"
}
trap finish EXIT
cd "$work"

# job ARGUMENTS...: submits, prints the id; a job needs little and says what it is about in a log of its own.
job() { sbatch --parsable --output '%x-%A-%a.log' --time 10 --mem 1000 --cpus-per-task 1 "$@" | tee -a "$work/jobs"; }
# state ID: how the job ended, e.g. COMPLETED 0:0.
state() { scontrol show job "$1" | awk -F '[ =]+' '{ for (i = 1; i < NF; i++) { if ($i == "JobState") s = $(i + 1); if ($i == "ExitCode") c = $(i + 1) } } END { print s, c }'; }
# until_ended ID: waits until the job has left the queue.
until_ended() { while [ -n "$(squeue --noheader --jobs "$1" --states pending,running,completing,configuring,suspended,requeued 2> /dev/null)" ]; do sleep 0.5; done; }
# ended ID STATE: what became of the job.
ended() {
    until_ended "$1"
    [ "$(state "$1")" = "$2" ] || { cat ./*"-$1-"*.log >&2; fail "job $1 ended as $(state "$1"), not as $2"; }
}

panfoma-simulate-cohort --out cohort --studies 2 --patients-per-study 6 --cells-per-patient 20 --genes 700 --seed 11 2> cohort.log || fail "no cohort"
(cd cohort && printf '%s\n' study,path && for file in *.h5ad; do echo "${file%.h5ad},$file"; done) > sheet && mv sheet cohort/samplesheet.csv
split=(--labels cancer_type --split patient:0.34,0.33,0.33 --stratify cancer_type)
shape=(--n-chunks 2 --chunk-len 32 --batch-size 4 --max-valid-cells 16)
# Undisturbed, in this shell.
panfoma-qc --manifest cohort/samplesheet.csv --output cells.zarr --threads 1 --quiet
panfoma-tokenize --input cells.zarr --output genes.parquet --fit-only "${split[@]}" --n-top-genes 200 --threads 1 --quiet
panfoma-tokenize --input cells.zarr --output tokens --vocabulary genes.parquet "${split[@]}" --threads 1 --quiet

say "a pretraining job is signalled before its time limit, saves, is requeued and goes on"
# Slurm looks at time limits every 30 s: the signal, due after 20 s, comes within 50. Training must last longer on any machine:
# one thread cannot work for 70 s in less.
TIMEFORMAT='%3U'
{ time panfoma-pretrain --input tokens --output paced "${shape[@]}" --max-steps 200 --validate-every 100000 --threads 1 --quiet 2> /dev/null; } 2> pace.txt
steps=$(awk '{ print int(200 * 70 / ($1 + 0.01)) }' pace.txt)
long=(--input tokens "${shape[@]}" --max-steps "$steps" --validate-every "$steps" --threads 1)
cat > pretrain.sbatch <<'S'
#!/usr/bin/env bash
#SBATCH --job-name=requeued
#SBATCH --signal=USR1@100
#SBATCH --requeue
#SBATCH --open-mode=append
set -u
# A step gets the signal itself; 138 says that it has saved.
echo "restart ${SLURM_RESTART_COUNT:-0}"
code=0
srun panfoma-pretrain "$@" || code=$?
echo "ended with $code"
if [ "$code" = 138 ]; then scontrol requeue "$SLURM_JOB_ID"; sleep 60; fi
exit "$code"
S
requeued=$(job --time 2 pretrain.sbatch "${long[@]}" --output requeued --checkpoint-dir checkpoints)
panfoma-pretrain "${long[@]}" --output undisturbed --quiet &
undisturbed=$!

say "a job is waited for, and its exit code is the stage's"
job --wait --job-name qc --wrap 'panfoma-qc --manifest cohort/samplesheet.csv --output waited.zarr' > /dev/null || fail "qc as a job"
diff -rq waited.zarr cells.zarr >&2 || fail "cells of a job differ"
code=0
job --wait --job-name missing --wrap 'panfoma-qc --input nothing.h5ad --output nothing.zarr' > /dev/null || code=$?
[ $code = 66 ] || fail "a missing input ended the job with $code, not 66"

say "an array of qc, a sample a job, and a job after it"
cat > qc.sbatch <<'S'
#!/usr/bin/env bash
#SBATCH --job-name=samples
set -euo pipefail
# Line 1 is the header.
IFS=, read -r study path < <(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" cohort/samplesheet.csv)
panfoma-qc --input "cohort/$path" --study "$study" --output "$study.zarr"
S
array=$(job --array 1-2 qc.sbatch)
chained=$(job --dependency "afterok:$array" --kill-on-invalid-dep yes --job-name chained --wrap 'ls -d study_1.zarr study_2.zarr')
ended "$chained" 'COMPLETED 0:0'
for study in study_1 study_2; do
    panfoma-qc --input "cohort/$study.h5ad" --study "$study" --output "direct-$study.zarr" --threads 1 --quiet
    diff -rq "$study.zarr" "direct-$study.zarr" >&2 || fail "cells of an array's job differ"
done

say "a chain of stages; where one fails, none after it starts"
first=$(job --job-name genes --wrap "panfoma-tokenize --input cells.zarr --output chain-genes.parquet --fit-only ${split[*]} --n-top-genes 200")
second=$(job --dependency "afterok:$first" --kill-on-invalid-dep yes --job-name shards --array 1-3 \
    --wrap "panfoma-tokenize --input cells.zarr --output shard-\$SLURM_ARRAY_TASK_ID --vocabulary genes.parquet --shard \$SLURM_ARRAY_TASK_ID/3 ${split[*]}")
third=$(job --dependency "afterok:$second" --kill-on-invalid-dep yes --job-name merge --wrap 'panfoma-tokenize --merge shard-? --output merged')
ended "$third" 'COMPLETED 0:0'
cmp chain-genes.parquet genes.parquet || fail "genes chosen by a job differ"
diff -rq merged tokens >&2 || fail "tokens of an array's shards differ"
bad=$(job --job-name bad --wrap 'panfoma-tokenize --input nothing.zarr --output nothing')
after=$(job --dependency "afterok:$bad" --kill-on-invalid-dep yes --job-name never --wrap 'touch never')
ended "$bad" 'FAILED 66:0'
ended "$after" 'CANCELLED 0:0'
[ ! -e never ] || fail "a job ran although the one before it failed"

say "two nodes, a process each"
cat > nodes.sbatch <<'S'
#!/usr/bin/env bash
#SBATCH --job-name=nodes
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
set -euo pipefail
srun bash -c 'panfoma-tokenize --shard $((SLURM_PROCID + 1))/$SLURM_NTASKS --output "node-$SLURM_PROCID" "$@" && echo "$SLURMD_NODENAME" > "node-$SLURM_PROCID.name"' - "$@"
panfoma-tokenize --merge node-? --output nodes
S
nodes=$(job nodes.sbatch --input cells.zarr --vocabulary genes.parquet "${split[@]}")
ended "$nodes" 'COMPLETED 0:0'
[ "$(sort node-?.name | xargs)" = "n1 n2" ] || fail "the processes ran on $(sort node-?.name | xargs), not on two nodes"
diff -rq nodes tokens >&2 || fail "tokens of two nodes differ"

if panfoma-pretrain --help | grep -q -- --world-size; then
    say "two nodes, a rank each: one model"
    cat > ranks.sbatch <<'S'
#!/usr/bin/env bash
#SBATCH --job-name=ranks
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
set -euo pipefail
# The names of this cluster's nodes are no hosts; elsewhere the first node's name is where rank 0 listens.
export MASTER_ADDR=127.0.0.1
srun --kill-on-bad-exit=1 panfoma-pretrain "$@"
S
    short=(--input tokens "${shape[@]}" --max-steps 20 --threads 1)
    ranks=$(job ranks.sbatch "${short[@]}" --output two-ranks)
    panfoma-pretrain "${short[@]}" --output one-rank --quiet
    ended "$ranks" 'COMPLETED 0:0'
    diff -rq two-ranks one-rank >&2 || fail "two ranks gave another model than one"
else
    missing "this panfoma-pretrain knows no ranks"
fi

say "waiting for the requeued job"
wait "$undisturbed" || fail "undisturbed pretraining"
undisturbed=
ended "$requeued" 'COMPLETED 0:0'
log=$(echo requeued-"$requeued"-*.log)
[ "$(grep -c '^ended with 138$' "$log")" -ge 1 ] || { cat "$log" >&2; fail "pretraining got no signal"; }
grep -q '^restart 1$' "$log" || { cat "$log" >&2; fail "the job was not requeued"; }
grep -q 'going on from step' "$log" || { cat "$log" >&2; fail "pretraining began anew"; }
diff -rq requeued undisturbed >&2 || fail "the requeued job's model differs"
say "passed"
