#!/usr/bin/env bash
# with_slurm.sh COMMAND...: run a command beside the tests' Slurm, and stop that again, however the command ends.
# Where this is not root nothing can be started: it says so and ends well, as nothing was tested.
set -uo pipefail
here=$(dirname "$(readlink -f "$0")")
if [ "$(id -u)" != 0 ]; then
  echo "NOT RUN: the tests on Slurm need root, to start one"
  exit 0
fi
trap '"$here/stop.sh"' EXIT
"$here/start.sh" || exit 1
"$@"
