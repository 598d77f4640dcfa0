#!/usr/bin/env bash
# Start a small real Slurm on this machine: munge, slurmctld and two slurmd (n1, n2) on loopback, with a fake GPU
# each. It needs root, and Debian or Ubuntu (apt) where Slurm is missing; no systemd, no cgroups, no accounting database.
# A second call starts only what is missing. stop.sh stops it. State lies in $SLURM_TEST_DIR.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"
. ./places.sh

[ "$(id -u)" = 0 ] || fail "starting Slurm needs root"
if [ -e "$CONF/slurm.conf" ] && ! ours "$CONF/slurm.conf"; then
  fail "$CONF/slurm.conf is not from these tests: this machine has a Slurm of its own, which stays as it is"
fi

for program in slurmctld slurmd sbatch squeue munged; do
  if ! command -v "$program" > /dev/null; then
    say "installing Slurm and munge by apt"
    export DEBIAN_FRONTEND=noninteractive
    mkdir -p "$DIR"
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends slurmctld slurmd slurm-client munge; } \
      > "$DIR/apt.log" 2>&1 || { tail -n 20 "$DIR/apt.log" >&2; fail "apt could not install Slurm"; }
    break
  fi
done
mkdir -p "$CONF" "$DIR"/{state,log,run,gpu,spool/n1,spool/n2}

# munge signs what Slurm's programs tell each other.
[ -s /etc/munge/munge.key ] || { install -d -o munge -g munge -m 700 /etc/munge; runuser -u munge -- mungekey --create; }
install -d -o munge -g munge -m 755 /run/munge
install -d -o munge -g munge -m 700 /var/log/munge /var/lib/munge
if ! munge -n 2> /dev/null | unmunge > /dev/null 2>&1; then
  rm -f /run/munge/munge.socket.2*
  # Its own daemon, not one the machine had: this pid file tells stop.sh.
  runuser -u munge -- /usr/sbin/munged
  cp /run/munge/munged.pid "$DIR/run/munged.pid"
fi
within 5 'munge -n 2> /dev/null | unmunge > /dev/null 2>&1' || fail "munge does not answer: /var/log/munge/munged.log"

# At least four CPUs a node, whatever the machine has: waiting jobs would only wait.
cpus=$(nproc); [ "$cpus" -ge 4 ] || cpus=4
memory=$(awk '/^MemTotal/ { print int($2 / 1024 * 0.45) }' /proc/meminfo)  # MB a node
cat > "$DIR/slurm.conf" << CONF
$MARK
ClusterName=test
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=16817
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
StateSaveLocation=$DIR/state
SlurmdSpoolDir=$DIR/spool/%n
SlurmctldPidFile=$DIR/run/slurmctld.pid
SlurmdPidFile=$DIR/run/slurmd-%n.pid
SlurmctldLogFile=$DIR/log/slurmctld.log
SlurmdLogFile=$DIR/log/slurmd-%n.log
# A container has no cgroups to itself: processes are followed by their parents, memory is polled.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill,UsePss
# No accounting: finished jobs are asked of squeue, which remembers them for an hour.
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$DIR/log/jobcomp.log
MinJobAge=3600
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=100000,batch_sched_delay=0,bf_interval=2
SlurmdParameters=config_overrides
GresTypes=gpu
EnforcePartLimits=ALL
PropagateResourceLimits=NONE
ReturnToService=2
KillWait=10
# A lost node is noticed within some 20 s.
SlurmdTimeout=12
NodeName=n1 NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=17001 CPUs=$cpus RealMemory=$memory Gres=gpu:fake:1
NodeName=n2 NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=17002 CPUs=$cpus RealMemory=$memory Gres=gpu:fake:1
PartitionName=cpu Nodes=n[1-2] Default=YES MaxTime=1-00:00:00 DefMemPerCPU=500 State=UP
PartitionName=gpu Nodes=n[1-2] Default=NO MaxTime=1-00:00:00 DefMemPerCPU=500 State=UP
CONF
echo "$MARK" > "$DIR/gres.conf"
for node in n1 n2; do
  # Slurm wants a character device for a GPU; this is a second /dev/null.
  [ -c "$DIR/gpu/$node" ] || mknod -m 666 "$DIR/gpu/$node" c 1 3
  echo "NodeName=$node Name=gpu Type=fake File=$DIR/gpu/$node" >> "$DIR/gres.conf"
done
if ! cmp -s "$DIR/slurm.conf" "$CONF/slurm.conf" || ! cmp -s "$DIR/gres.conf" "$CONF/gres.conf"; then
  ! ours "$CONF/slurm.conf" || SLURM_TEST_KEEP_MUNGE=1 bash ./stop.sh  # another configuration: start anew
  cp "$DIR/slurm.conf" "$DIR/gres.conf" "$CONF/"
fi

runs "$DIR/run/slurmctld.pid" slurmctld || slurmctld
for node in n1 n2; do
  runs "$DIR/run/slurmd-$node.pid" slurmd || slurmd -N "$node"
done
ready='[ "$(sinfo -h -N -p cpu -o %t 2> /dev/null | grep -c -E "^(idle|mix|alloc)$")" = 2 ]'
if ! within 20 "$ready"; then
  scontrol update nodename=n1,n2 state=resume 2> /dev/null || true  # a node that was lost and came back
  within 40 "$ready" || { sinfo -N -l >&2 || true; tail -n 20 "$DIR"/log/slurm*.log >&2; fail "the nodes do not come up"; }
fi
say "up: $(sinfo -h -N -p cpu -o '%N %t, %c CPUs, %m MB, %G' | paste -sd ';'); state in $DIR"
