#!/usr/bin/env bash
# PanFoMaBench's recipe on the tumours of ../shared/data: the same datasheet from Snakemake and Nextflow, with the right numbers.
#
#   bash tests/engines/panfomabench.sh
#
# It needs what snakemake.sh installs and nextflow.sh fetches. PANFOMA_BIN, PANFOMA_DATA, CI: see begin.sh
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/begin.sh" panfomabench

recipe=$root/workflows/panfomabench
if [ ! -x "$ENGINES_CACHE/python/bin/snakemake" ]; then
    missing "no Snakemake; run tests/engines/snakemake.sh first"
    exit 0
fi
if [ ! -e "$data/tumor_aml_zheng2017_aml027pre.h5ad" ]; then
    missing "no real tumours in \`$data\` (PANFOMA_DATA)"
    exit 0
fi
export PATH=$root/tests/engines/nextflow:$ENGINES_CACHE/python/bin:$PATH
cp "$recipe"/*.csv "$recipe/config.yaml" .
ln -s "$(realpath "$data")" data

say "by Snakemake"
quietly fmt.log snakefmt --check "$recipe/Snakefile"
quietly lint.log snakemake --snakefile "$recipe/Snakefile" --lint
quietly run.log snakemake --snakefile "$recipe/Snakefile" --cores 2
quietly again.log snakemake --snakefile "$recipe/Snakefile" --cores 2
grep -q 'Nothing to be done' again.log || { cat again.log >&2; fail "a second run found something to do"; }
# Cells and patients of each study as ../shared/data/README.md has them.
python - <<'P' || fail "the datasheet is wrong"
import json
facts = json.load(open("panfomabench/datasheet.json"))
read = {study["study"]: study["cells_read"] for study in facts["studies"]}
expected = {"zheng2017": 1500, "wu2021": 1564, "gaydosik2019": 1800, "zhao2021": 5000, "kim2020": 397, "malt10k": 1000, "wu2020": 200}
assert read == expected, read
for study in facts["studies"]:
    assert study["cells_read"] == study["cells_kept"] + sum(study["removed"].values()), study
dropped = [study["study"] for study in facts["dropped"]["studies"]]
assert dropped == ["tirosh2016"], dropped
patients = {level["name"]: level["patients"] for level in facts["by_label"]}
assert (patients["cutaneous T-cell lymphoma"], patients["none"], patients["glioblastoma"]) == (3, 3, 5), patients
assert sum(level["cells"] for level in facts["by_label"]) == facts["size"]["cells"]
for level in facts["by_label"]:
    assert level["patients"] == sum(side["patients"] for side in level["split"].values()), level
assert any("lung adenocarcinoma" in caution and "disjoint" in caution for caution in facts["cautions"])
P
code=0
grep -v 'glioblastoma' terms.csv > fewer.csv
python "$recipe/datasheet.py" --manifest studies.csv --qc panfomabench/cells.zarr.qc.json --tokens panfomabench/tokens \
    --terms fewer.csv --output refused 2> refused.log || code=$?
[ "$code" = 65 ] && grep -qF 'error: `glioblastoma` of `cancer_type` is no term' refused.log || { cat refused.log >&2; fail "a label that is no term was taken ($code)"; }

if ! nextflow -version > /dev/null 2>&1; then
    missing "no Nextflow; run tests/engines/nextflow.sh first"
    exit 0
fi
say "by Nextflow"
mkdir nextflow
cp ./*.csv config.yaml nextflow/
ln -s ../data nextflow/
echo 'process.resourceLimits = [cpus: 1, memory: 6.GB, time: 1.h]' > nextflow/tests.config
(cd nextflow && quietly run.log nextflow run "$recipe/main.nf" -params-file config.yaml -c tests.config)
for artifact in cells.zarr genes.parquet tokens datasheet.json datasheet.md; do
    diff -rq --exclude=.snakemake_timestamp "panfomabench/$artifact" "nextflow/panfomabench/$artifact" >&2 || fail "$artifact differs between the engines"
done
say "passed"
