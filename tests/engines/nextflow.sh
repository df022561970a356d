#!/usr/bin/env bash
# The Nextflow pipeline on real Nextflow, beside workflows/demo.sh: the same bytes for the same samplesheet.
#
#   bash tests/engines/nextflow.sh
#
# PANFOMA_BIN, PANFOMA_DATA, CI: see begin.sh
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/begin.sh" nextflow

engine=$root/tests/engines/nextflow
if ! "$engine/nextflow" --fetch; then
    missing "Nextflow cannot be had from Maven Central"
    exit 0
fi
export PATH=$engine:$PATH

# The pipeline's processes; a scattered one counts once a shard.
tasks=(QC TOKENIZEFIT TOKENIZE TOKENIZE TOKENIZE TOKENIZEMERGE PRETRAIN FINETUNE EMBED EMBED EMBEDMERGE GRN EVALUATE)
# ended TRACE STATUS: as many tasks have this status as the pipeline has.
ended() {
    local n
    n=$(awk -F '\t' -v status="$2" '$2 == status' "$1" | wc -l)
    [ "$n" = ${#tasks[@]} ] || { cat "$1" >&2; fail "$n tasks of ${#tasks[@]} are $2"; }
}

say "Nextflow $(awk '/<version>/ { gsub(/ *<[^>]*>/, ""); print; exit }' "$engine/pom.xml")"
cat > tests.config <<'C'
process.resourceLimits = [cpus: 1, memory: 6.GB, time: 1.h]
trace.fields           = 'name,status,exit,attempt,native_id'
trace.overwrite        = true
executor.pollInterval  = '1 sec'
executor.queueStatInterval = '2 sec'
C
# pipeline NAME [ARGUMENTS...]: runs it in a folder of its own, with a trace.
pipeline() {
    local name=$1
    shift
    mkdir -p "$name"
    (cd "$name" && ln -sfn ../cohort ../tumours . && nextflow run "$root/nextflow" -c ../tests.config -with-trace trace.tsv "$@")
}

say "defaults and schema are those of workflows/config.yaml and its schema"
python3 "$engine/schema.py" --check || fail "nextflow_schema.json"
nextflow -C "$root/nextflow/nextflow.config" run "$engine/defaults.nf" | grep '^param' > ours.txt
nextflow -C "$root/nextflow/nextflow.config" run "$engine/defaults.nf" -params-file "$root/workflows/config.yaml" | grep '^param' > theirs.txt
grep -q '^param tokenize.shards = ' ours.txt || { cat ours.txt >&2; fail "no parameters are printed"; }
diff <(grep -v '^param samplesheet' ours.txt) <(grep -v '^param samplesheet' theirs.txt) >&2 || fail "nextflow.config and workflows/config.yaml differ"

mkdir tumours
simulate
configure 200 '--validate-every 100 --checkpoint-every-steps 10'

say "stubs, by the strict parser"
started=$SECONDS
(
    export NXF_SYNTAX_PARSER=v2
    mkdir stub && cd stub && ln -s ../cohort .
    quietly stub.log nextflow run "$root/nextflow" -params-file ../cohort.yaml -profile test -stub -with-trace trace.tsv
)
[ "$(wc -l < stub/trace.tsv)" = $((${#tasks[@]} + 1)) ] || { cat stub/trace.tsv >&2; fail "a stub did not run"; }
say "    took $((SECONDS - started)) s"

# refused TEXT ARGUMENTS...: the pipeline ends before a task starts, with these words.
refused() {
    local text=$1
    shift
    if pipeline refused "$@" > refused.log 2>&1; then fail "taken, not refused with \`$text\`"; fi
    grep -qF -- "$text" refused.log || { cat refused.log >&2; fail "refused without \`$text\`"; }
    if grep -q Submitted refused.log; then fail "refused too late: a task ran"; fi
}
printf 'study,path,Sample\nfirst,study_1.h5ad,\nse:cond,study_2.h5ad,a\n,nothing.h5ad,\n' > cohort/bad.csv
refused "row 2: column \`study\` holds \`se:cond\`: \`study\` must be a name without a colon" --samplesheet cohort/bad.csv
for text in "row 3: column \`study\` is empty or missing" "row 3: \`nothing.h5ad\` does not exist" "the column \`Sample\` must be called \`sample\`"; do
    grep -qF "$text" refused.log || { cat refused.log >&2; fail "refused without \`$text\`"; }
done

say "a simulated cohort: pretraining is killed once, cells are tokenized in three tasks and embedded in two"
pipeline local -params-file ../cohort.yaml > local.log 2>&1 &
running=$!
killed=
while [ -z "$killed" ] && kill -0 $running 2> /dev/null; do
    if compgen -G 'local/results/checkpoints/pretrain/step-*' > /dev/null; then
        for process in $(pgrep -x panfoma-pretrai); do
            case $(readlink "/proc/$process/cwd") in "$work"/*) kill -KILL "$process" && killed=$process ;; esac
        done
    fi
    sleep 0.05
done
wait $running || { tail -n 40 local.log >&2; fail "the pipeline failed"; }
[ -n "$killed" ] || fail "pretraining was never killed"
grep -qP '^COHORT:PANFOMA:PANFOMA_PRETRAIN \(cohort\)\tFAILED\t137\t1' local/trace.tsv || { cat local/trace.tsv >&2; fail "no first attempt that was killed"; }
grep -qP '^COHORT:PANFOMA:PANFOMA_PRETRAIN \(cohort\)\tCOMPLETED\t0\t2' local/trace.tsv || { cat local/trace.tsv >&2; fail "no second attempt that ended well"; }
grep -lq 'going on from step' local/work/*/*/.command.err || fail "the second attempt did not go on from a checkpoint"
ended local/trace.tsv COMPLETED
quietly demo.log bash "$root/workflows/demo.sh" --config cohort.yaml --out demo --threads 1
same local/results demo
grep -q "panfoma-embed: $(panfoma-embed --version | cut -d ' ' -f 2)" local/results/pipeline_info/versions.yml || fail "versions.yml lacks panfoma-embed"

say "-resume runs nothing again"
quietly resume.log pipeline local -params-file ../cohort.yaml -resume
ended local/trace.tsv CACHED
same local/results demo

if [ ! -e /dev/nvidia0 ]; then
    say "profile gpu: the model asks for a device that is not there; what no retry mends is not retried"
    # Another number of steps: to Nextflow, a task on another device is the same task.
    if pipeline local -params-file ../cohort.yaml -profile gpu -resume --pretrain.max_steps 100 > gpu.log 2>&1; then fail "trained on a GPU that is not there"; fi
    grep -qP 'PANFOMA_PRETRAIN \(cohort\)\tFAILED\t69\t1' local/trace.tsv || { cat local/trace.tsv >&2; fail "pretraining did not end with 69"; }
    [ "$(grep -c 'PANFOMA_PRETRAIN' local/trace.tsv)" = 1 ] || { cat local/trace.tsv >&2; fail "pretraining was retried"; }
fi

if PATH=$PATH:$ENGINES_CACHE/python/bin command -v multiqc > /dev/null; then
    say "with MultiQC"
    PATH=$PATH:$ENGINES_CACHE/python/bin quietly multiqc.log pipeline local -params-file ../cohort.yaml -resume --multiqc
    grep -q 'panfoma' local/results/multiqc/multiqc_report.html || fail "no panfoma in the MultiQC report"
    [ "$(awk -F '\t' '$2 == "COMPLETED"' local/trace.tsv | wc -l)" = 1 ] || { cat local/trace.tsv >&2; fail "more than MultiQC ran"; }
else
    say "no multiqc: its report is left to snakemake.sh"
fi

say "the qc module alone, a sample a task"
mkdir per_sample
(cd per_sample && quietly run.log nextflow -C ../tests.config run "$engine/per_sample.nf" --matrices "$work/cohort/*.h5ad")
quietly qc.log panfoma-qc --input cohort/study_2.h5ad --output study_2.zarr --threads 1
diff -rq per_sample/work/*/*/study_2.zarr study_2.zarr >&2 || fail "the module's cells are not those of panfoma-qc"

configure_tumours
quietly demo.log bash "$root/workflows/demo.sh" --config tumours.yaml --out tumours-demo --threads 1
if command -v sbatch > /dev/null && scontrol ping > /dev/null 2>&1; then
    say "real tumours on Slurm: two nodes pretrain, and are killed once"
    # The names of a private cluster's nodes are no hosts; elsewhere rank 0 listens on the first node.
    cat > nodes.config <<'C'
process {
    withName: PANFOMA_PRETRAIN {
        clusterOptions = '--nodes=2 --ntasks-per-node=1'
        ext.launcher   = 'env MASTER_ADDR=127.0.0.1 srun --kill-on-bad-exit=1'
    }
}
C
    pipeline slurm -c ../nodes.config -profile slurm -params-file ../tumours.yaml > slurm.log 2>&1 &
    running=$!
    killed=
    while [ -z "$killed" ] && kill -0 $running 2> /dev/null; do
        if compgen -G 'slurm/results/checkpoints/pretrain/step-*' > /dev/null; then
            job=$(squeue --noheader --format %i --name 'nf-COHORT_PANFOMA_PANFOMA_PRETRAIN_(cohort)')
            scancel --signal=KILL --full "$job" && killed=$job
        fi
        sleep 0.2
    done
    wait $running || { tail -n 40 slurm.log >&2; fail "the pipeline failed"; }
    [ -n "$killed" ] || fail "pretraining was never killed"
    grep -qP '^COHORT:PANFOMA:PANFOMA_PRETRAIN \(cohort\)\tCOMPLETED\t0\t2' slurm/trace.tsv || { cat slurm/trace.tsv >&2; fail "no second attempt that ended well"; }
    ended slurm/trace.tsv COMPLETED
    say "profile gpu on Slurm asks for GPUs"
    (cd slurm && quietly gpu.log nextflow run "$root/nextflow" -c ../tests.config -profile slurm,gpu -params-file ../tumours.yaml -stub --outdir stubs)
    asked=$(grep -l -- '--gres=gpu:1' slurm/work/*/*/.command.run | xargs sed -n 's/^### name: .*PANFOMA_\([A-Z]*\) .*/\1/p' | sort -u | xargs)
    [ "$asked" = "EMBED FINETUNE GRN PRETRAIN" ] || fail "GPUs are asked for by: $asked"
else
    missing "no Slurm: real tumours run locally"
    quietly slurm.log pipeline slurm -params-file ../tumours.yaml
fi
same slurm/results tumours-demo
say "passed"
