#!/usr/bin/env bash
# A private Slurm on the loopback interface, for tests: controller, two fake nodes on this host, munge.
#
#   sudo bash tests/engines/cluster.sh up|down
#
# CLUSTER_DIR  where it lives (default: /tmp/panfoma-cluster); munge wants no parent that others may write, unless sticky
# Needs root and Debian's slurm-wlm, slurm-client and munge. Touches /etc/slurm only where nothing else stands.
set -euo pipefail
base=${CLUSTER_DIR:-/tmp/panfoma-cluster}
nodes=2

stop() {
    local pid
    [ -s "$1" ] && pid=$(cat "$1") && kill "$pid" 2> /dev/null || return 0
    for _ in $(seq 100); do
        case $(awk '{ print $3 }' "/proc/$pid/stat" 2> /dev/null) in '' | Z) return 0 ;; esac
        sleep 0.1
    done
}

down() {
    local file
    for file in "$base"/run/slurmd*.pid "$base"/run/slurmctld.pid "$base"/run/munged.pid; do stop "$file"; done
    for file in slurm.conf gres.conf cgroup.conf; do
        if [ "$(readlink "/etc/slurm/$file")" = "$base/etc/$file" ]; then rm "/etc/slurm/$file"; fi
    done
}

up() {
    local file node memory
    for file in munged slurmctld slurmd sbatch; do
        command -v $file > /dev/null || { echo "error: \`$file\` is not installed" >&2; exit 69; }
    done
    if [ -e /etc/slurm/slurm.conf ] && [ "$(readlink /etc/slurm/slurm.conf)" != "$base/etc/slurm.conf" ]; then
        echo "error: /etc/slurm/slurm.conf: this host has a Slurm of its own" >&2
        exit 69
    fi
    if scontrol ping > /dev/null 2>&1; then return; fi
    down
    rm -rf "$base"
    mkdir -p "$base"/{etc,run,log,spool/ctld}
    chmod 755 "$base"
    head -c 1024 /dev/urandom > "$base/etc/munge.key"
    chmod 400 "$base/etc/munge.key"
    memory=$(awk '/MemTotal/ { print int($2 / 1024 * 0.8) }' /proc/meminfo)
    # Loopback only; a requeued job starts after seconds instead of the two minutes that a credential lives by default.
    # A node says it has more than it has: tests ask for what real jobs ask for.
    cat > "$base/etc/slurm.conf" <<C
ClusterName=panfoma-tests
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=16817
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny,block_null_hash
AuthType=auth/munge
AuthInfo=socket=$base/run/munge.sock,cred_expire=5
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$base/spool/ctld
SlurmdSpoolDir=$base/spool/%n
SlurmctldPidFile=$base/run/slurmctld.pid
SlurmdPidFile=$base/run/slurmd-%n.pid
SlurmctldLogFile=$base/log/slurmctld.log
SlurmdLogFile=$base/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=1,sched_min_interval=0,batch_sched_delay=0
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=5
MinJobAge=300
JobRequeue=1
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$base/log/jobcomp.txt
DefMemPerCPU=500
GresTypes=gpu
C
    # A GPU that can be asked for, and is none.
    touch "$base/gpu"
    echo "Name=gpu File=$base/gpu" > "$base/etc/gres.conf"
    : > "$base/etc/cgroup.conf"
    for node in $(seq $nodes); do
        echo "NodeName=n$node NodeHostname=localhost NodeAddr=127.0.0.1 Port=$((16820 + node)) CPUs=4 RealMemory=$memory Gres=gpu:1 State=UNKNOWN"
    done >> "$base/etc/slurm.conf"
    echo "PartitionName=cpu Nodes=n[1-$nodes] Default=YES MaxTime=UNLIMITED DefaultTime=00:10:00 State=UP" >> "$base/etc/slurm.conf"
    # The default place: some engines drop SLURM_CONF inside jobs.
    mkdir -p /etc/slurm
    for file in slurm.conf gres.conf cgroup.conf; do ln -sfn "$base/etc/$file" "/etc/slurm/$file"; done
    munged --force --key-file="$base/etc/munge.key" --socket="$base/run/munge.sock" --pid-file="$base/run/munged.pid" \
        --log-file="$base/log/munged.log" --seed-file="$base/run/munge.seed" --num-threads=4 > /dev/null
    slurmctld -i > /dev/null 2>&1
    for node in $(seq $nodes); do slurmd -N "n$node" > /dev/null 2>&1; done
    for _ in $(seq 200); do
        [ "$(sinfo --noheader --Node --format %T 2> /dev/null | grep -c '^idle')" -lt $nodes ] || return 0
        sleep 0.1
    done
    tail -n 20 "$base"/log/*.log >&2
    echo "error: Slurm did not come up" >&2
    exit 1
}

case ${1:-} in
    up) up ;;
    down) down ;;
    *) echo "usage: $0 up|down" >&2; exit 64 ;;
esac
