#!/usr/bin/env bash
# The toolkit on the real workflow engines. Needs the release binaries; see each script.
#
#   bash tests/engines/run.sh
#
# CI=true  what is missing fails; otherwise it is reported as skipped
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
started=$SECONDS
say() { echo "engines: $1" >&2; }

# A Slurm of our own, unless there is one.
if ! scontrol ping > /dev/null 2>&1 && command -v slurmctld > /dev/null && [ "$(id -u)" = 0 ]; then
    bash cluster.sh up
    trap 'bash cluster.sh down' EXIT
fi
# Slurm mostly waits, so it goes beside the others.
bash slurm.sh &
slurm=$!
failed=()
# Snakemake first: it brings MultiQC. PanFoMaBench needs what the first two fetch.
for engine in snakemake nextflow panfomabench packaging; do
    bash $engine.sh || failed+=($engine)
done
wait $slurm || failed+=(slurm)
[ ${#failed[@]} -eq 0 ] || { say "FAILED: ${failed[*]}"; exit 1; }
say "passed in $((SECONDS - started)) s"
