# What start.sh and stop.sh share: where things lie, and what is ours.
DIR=${SLURM_TEST_DIR:-/var/tmp/radar-cleaner-slurm}
CONF=/etc/slurm
MARK="# Written by radar_cleaner's tests/slurm/start.sh; stop.sh removes it."

say() { echo "slurm: $*" >&2; }
fail() { say "$*"; exit 1; }

# ours FILE: whether start.sh wrote it.
ours() { grep -qxF "$MARK" "$1" 2> /dev/null; }

# runs PIDFILE NAME: whether the process of a pid file lives and has this name; a zombie is dead.
runs() {
  local pid name
  pid=$(cat "$1" 2> /dev/null) && [ -n "$pid" ] || return 1
  name=$(cat "/proc/$pid/comm" 2> /dev/null) && [ "$name" = "$2" ] || return 1
  ! grep -q '^State:[[:space:]]*Z' "/proc/$pid/status"
}

# within SECONDS COMMAND: whether the command succeeds in time.
within() {
  local end=$((SECONDS + $1))
  until eval "$2"; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.1
  done
}
