#!/usr/bin/env bash
# launch_torchrun.sh NODES PROCESSES ARGUMENT...
# Run torchrun with PROCESSES on this node, or on each of the NODES of a Slurm job: then this script calls itself on
# each by srun, and the launchers meet on the job's first node. Every call is an exec: a shell left in between would die
# of a signal to all processes of the job, and take the training with it.
set -euo pipefail
nodes=$1 processes=$2
shift 2
torchrun=(torchrun --nproc-per-node "$processes"
  --signals-to-handle "SIGTERM,SIGINT,SIGHUP,SIGQUIT,SIGUSR1" --shutdown-timeout 110)

if [ "$nodes" = 1 ]; then
  exec "${torchrun[@]}" --standalone "$@"
fi
if [ -z "${SLURM_JOB_ID:-}" ]; then
  echo "train_model: nodes=$nodes needs a Slurm job; see docs/how-to/slurm.md. On one machine set nodes=1." >&2
  exit 1
fi
if [ -z "${SLURM_STEP_ID:-}" ]; then
  # --wait: a node whose launcher never ends does not block the others for ever.
  exec srun --nodes "$nodes" --ntasks "$nodes" --ntasks-per-node 1 --cpus-per-task "${OMP_NUM_THREADS:-1}" --wait 120 \
    "$0" "$nodes" "$processes" "$@"
fi
if [ "${SLURM_STEP_NUM_NODES:-1}" != "$nodes" ]; then
  echo "train_model: nodes=$nodes needs the resources mpi=srun and tasks=$nodes too; see docs/how-to/slurm.md" >&2
  exit 1
fi

# torchrun 2.13 would give restarted processes the addresses of the dead ones.
export TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1
host=False
[ "$SLURM_NODEID" != 0 ] || host=True
exec "${torchrun[@]}" --nnodes "$nodes" --rdzv-backend c10d --rdzv-id "$SLURM_JOB_ID.$SLURM_STEP_ID" \
  --rdzv-endpoint "$SLURM_LAUNCH_NODE_IPADDR:$((20000 + SLURM_JOB_ID % 20000))" --rdzv-conf "is_host=$host" "$@"
