# Sourced first by each engine's script, `. begin.sh NAME`: where things are, how it speaks, a folder of its own to work in, and
# what is simulated and compared.
#
# PANFOMA_BIN   the folder of the release binaries (default: target/release)
# PANFOMA_DATA  the real data sets (default: ../shared/data beside the checkout)
# CI=true       what is missing fails instead of being reported as skipped
name=$1
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
data=${PANFOMA_DATA:-$root/../shared/data}
PANFOMA_BIN=$(realpath -m "${PANFOMA_BIN:-$target/release}")
export PANFOMA_BIN ENGINES_CACHE=${ENGINES_CACHE:-$target/engines}

say() { echo "$name: $1" >&2; }
fail() { say "FAILED: $1"; exit 1; }
missing() { [ "${CI:-}" != true ] || fail "$1"; say "skipped: $1"; }
# quietly LOG COMMAND...: runs it; shows the log if it fails.
quietly() {
    local log=$1
    shift
    "$@" > "$log" 2>&1 || { tail -n 40 "$log" >&2; fail "$*"; }
}

[ -x "$PANFOMA_BIN/panfoma-qc" ] || fail "no binaries in \`$PANFOMA_BIN\`: cargo build --release --workspace --bins"
export PATH=$PANFOMA_BIN:$PATH
mkdir -p "$ENGINES_CACHE"
work=$(mktemp -d -p "$ENGINES_CACHE" "$name.XXXXXX")
work=$(cd "$work" && pwd -P)
trap 'rm -rf "$work"' EXIT
cd "$work"

# same A B: every artifact of two runs has the same bytes; what tells time and host stands elsewhere.
same() {
    local artifact
    for artifact in cells.zarr cells.zarr.qc.json cells.zarr.qc_mqc genes.parquet tokens pretrained finetuned embeddings.parquet \
        predictions.parquet edges.parquet evaluation; do
        diff -rq --exclude=.snakemake_timestamp "$1/$artifact" "$2/$artifact" >&2 || fail "$1/$artifact is not $2/$artifact"
    done
}

# simulate: two small studies with their samplesheet, in cohort/.
simulate() {
    quietly cohort.log panfoma-simulate-cohort --out cohort --force --studies 2 --patients-per-study 6 --cells-per-patient 20 \
        --genes 700 --seed 11
    (cd cohort && printf '%s\n' study,path && for file in *.h5ad; do echo "${file%.h5ad},$file"; done) > sheet
    mv sheet cohort/samplesheet.csv
}

# configure STEPS FLAGS: cohort.yaml, a run of that cohort; both are pretraining's, since each engine interrupts it in its way.
configure() {
    cat > cohort.yaml <<Y
samplesheet: cohort/samplesheet.csv
outdir: results
label: cancer_type
split: "patient:0.34,0.33,0.33"
tokenize:
  shards: 3
  genes_args: "--n-top-genes 200"
pretrain:
  max_steps: $1
  args: "--n-chunks 2 --chunk-len 32 --batch-size 4 --max-valid-cells 16 $2"
finetune:
  max_steps: 20
  args: "--batch-size 4 --max-valid-cells 64"
embed:
  shards: 2
  args: "--draws 1"
grn:
  regulators: cohort/truth/regulators.txt
  reference_network: cohort/truth/network.csv
  args: "--draws 1 --max-cells-per-group 40"
evaluate_args: "--universe tf --batch study --max-map-cells 200 --max-cluster-cells 200"
Y
}

# configure_tumours: tumours.yaml, the same run of two real tumours in tumours/; ends the script where there are none.
configure_tumours() {
    local tumours=(tumor_ctcl_skin_gaydosik2019.h5ad tumor_lung_luad_kim2020_T34.h5ad) file
    if [ ! -e "$data/${tumours[0]}" ]; then
        missing "no real tumours in \`$data\` (PANFOMA_DATA)"
        exit 0
    fi
    mkdir -p tumours
    for file in "${tumours[@]}"; do ln -s "$(realpath "$data/$file")" tumours/; done
    cat > tumours/samplesheet.csv <<'S'
study,path,sample_column,patient,tissue,cancer_type
skin,tumor_ctcl_skin_gaydosik2019.h5ad,batch,,skin,
lung,tumor_lung_luad_kim2020_T34.h5ad,,LUNG_T34,lung,lung_adenocarcinoma
S
    sed -e 's,cohort/samplesheet.csv,tumours/samplesheet.csv,' -e '/regulators:/d' -e '/reference_network:/d' cohort.yaml > tumours.yaml
}
