#!/usr/bin/env bash
# Stop the Slurm that start.sh started: its jobs first, then its processes, each by its pid; remove its configuration,
# because a slurm.conf without a controller makes every snakemake call some 9 seconds slower.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")"
. ./places.sh

ours "$CONF/slurm.conf" || { say "nothing of these tests to stop"; exit 0; }

waiting='[ -z "$(timeout 5 squeue -h -t PD,CF,R,S,CG -o %A 2> /dev/null)" ]'
if runs "$DIR/run/slurmctld.pid" slurmctld && ! eval "$waiting"; then
  timeout 20 squeue -h -t PD,CF,R,S -o %A | sort -u | xargs -r timeout 20 scancel
  within 20 "$waiting" || say "some jobs do not end"
fi

# stop PIDFILE NAME
stop() {
  if runs "$1" "$2"; then
    local pid
    pid=$(cat "$1")
    kill -TERM "$pid"
    within 10 "! runs '$1' '$2'" || kill -KILL "$pid"
  fi
  rm -f "$1"
}
for node in n1 n2; do stop "$DIR/run/slurmd-$node.pid" slurmd; done
stop "$DIR/run/slurmctld.pid" slurmctld
[ -n "${SLURM_TEST_KEEP_MUNGE:-}" ] || stop "$DIR/run/munged.pid" munged
rm -f "$CONF/slurm.conf" "$CONF/gres.conf"
say "stopped"
