#!/usr/bin/env bash
# The Snakemake workflow on real Snakemake, beside workflows/demo.sh: the same bytes for the same samplesheet.
#
#   bash tests/engines/snakemake.sh
#
# PANFOMA_BIN, PANFOMA_DATA, CI: see begin.sh
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/begin.sh" snakemake

snakefile=$root/workflows/snakemake/workflow/Snakefile
venv=$ENGINES_CACHE/python
packages=('snakemake==9.27.1' 'snakefmt==2.1.0' 'multiqc==1.35' 'snakemake-executor-plugin-slurm==2.8.0' 'pyarrow==26.0.1')
if ! cmp -s "$venv/packages" <(printf '%s\n' "${packages[@]}"); then
    say "installing ${packages[*]}"
    if ! { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet "${packages[@]}"; }; then
        missing "${packages[*]} cannot be installed"
        exit 0
    fi
    printf '%s\n' "${packages[@]}" > "$venv/packages"
fi
export PATH=$venv/bin:$PATH
snake() { snakemake --snakefile "$snakefile" --cores 2 --quiet rules progress "$@"; }

say "lints and schemas"
quietly fmt.log snakefmt --check "$root/workflows/snakemake"
simulate
configure 40 '--validate-every 20 --checkpoint-every-steps 5'
quietly lint.log snake --configfile cohort.yaml --lint

# refused TEXT CONFIG: a dry run of this configuration ends with these words.
refused() {
    if snake --configfile "$2" --dry-run > refused.log 2>&1; then fail "$2 was taken, not refused with \`$1\`"; fi
    grep -qF -- "$1" refused.log || { cat refused.log >&2; fail "$2 was refused without \`$1\`"; }
}
sed 's/label: cancer_type/lable: cancer_type/' cohort.yaml > bad-key.yaml
refused "'lable' was unexpected" bad-key.yaml
sed 's/--draws 1"/--draws 1; rm x"/' cohort.yaml > bad-words.yaml
refused "does not match" bad-words.yaml
printf 'study,path\nfirst,a.h5ad\n,b.h5ad\n' > bad.csv
sed 's,cohort/samplesheet.csv,bad.csv,' cohort.yaml > bad-sheet.yaml
refused "samplesheet bad.csv line 3: 'study' is a required property" bad-sheet.yaml

say "a simulated cohort: pretraining is stopped once, cells are tokenized in three jobs and embedded in two"
mkdir first
cat > first/panfoma-pretrain <<'E2'
#!/usr/bin/env bash
# The first attempt is told to end as soon as it has saved something; later ones are left alone.
set -u
if mkdir attempted 2>/dev/null; then
    "$PANFOMA_BIN/panfoma-pretrain" "$@" &
    until compgen -G 'results/checkpoints/pretrain/step-*' > /dev/null || ! kill -0 $!; do sleep 0.05; done
    kill -TERM $!
    wait $!
else
    exec "$PANFOMA_BIN/panfoma-pretrain" "$@"
fi
E2
chmod +x first/panfoma-pretrain
PATH=$work/first:$PATH quietly run.log snake --configfile cohort.yaml
[ -d attempted ] || fail "pretraining was never interrupted"
grep -q 'Trying to restart job' run.log || { cat run.log >&2; fail "pretraining was not retried"; }
quietly again.log snakemake --snakefile "$snakefile" --cores 2 --configfile cohort.yaml
grep -q 'Nothing to be done' again.log || { cat again.log >&2; fail "a second run found something to do"; }
quietly report.log snake --configfile cohort.yaml --report report.html
if grep -iE 'warning|error' report.log; then fail "--report is not clean"; fi
for title in 'qc.html' 'evaluation.html' 'multiqc_report.html'; do
    grep -qF "$title" report.html || fail "the report lacks $title"
done
quietly demo.log bash "$root/workflows/demo.sh" --config cohort.yaml --out demo
same results demo

say "as a module of another workflow"
mkdir module
cat > module/Snakefile <<E2
configfile: "../cohort.yaml"


module panfoma:
    snakefile:
        "$snakefile"
    config:
        config


use rule * from panfoma as panfoma_*


rule figure:
    input:
        rules.panfoma_embed.output.embeddings,
    default_target: True
E2
(cd module && ln -s ../cohort . && quietly module.log snakemake --cores 1 --dry-run)
grep -q 'panfoma_choose_genes' module/module.log || { cat module/module.log >&2; fail "the module has no rules"; }

say "the wrappers, one after another"
mkdir -p wrapped prefix/master/bio
ln -s "$root/workflows/snakemake/wrappers" prefix/master/bio/panfoma
(
    cd wrapped
    ln -s ../cohort/*.h5ad .
    for stage in qc tokenize pretrain finetune embed grn evaluate; do
        echo "include: \"$root/workflows/snakemake/wrappers/$stage/test/Snakefile\""
    done > Snakefile
    quietly run.log snakemake --cores 2 --wrapper-prefix "file://$work/prefix/" evaluation
    [ -s evaluation/report.html ] || fail "the wrappers wrote no report"
    [ -e logs/pretrain.log ] || fail "a wrapper wrote no log"
)

configure_tumours
quietly demo.log bash "$root/workflows/demo.sh" --config tumours.yaml --out tumours-demo
if command -v sbatch > /dev/null && scontrol ping > /dev/null 2>&1; then
    say "real tumours through the Slurm executor; two processes pretrain"
    slurm=(--profile "$root/workflows/snakemake/profiles/slurm" --jobs 4 --slurm-no-account --slurm-status-command squeue
        --slurm-init-seconds-before-status-checks 2 --seconds-between-status-checks 1 --latency-wait 10
        --set-threads qc=2 pretrain=1 finetune=2 --set-resources pretrain:tasks=2 "pretrain:mpi='srun'")
    for rule in qc choose_genes tokenize_shard tokenize pretrain finetune embed_shard embed grn evaluate multiqc; do
        slurm+=("$rule:runtime=10" "$rule:mem_mb=1000")
    done
else
    missing "no Slurm: real tumours run locally"
    slurm=(--profile "$root/workflows/snakemake/profiles/local")
fi
quietly tumours.log timeout 900 snakemake --snakefile "$snakefile" --cores 2 --configfile tumours.yaml --config outdir=tumours-results "${slurm[@]}"
same tumours-results tumours-demo
say "passed"
