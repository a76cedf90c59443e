# shellcheck shell=bash disable=SC2034
# Settings and helpers of the front door and the test cluster; sourced, never run.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)      # tests/cluster
root=$(cd "$here/../.." && pwd)                         # the repository
cache=${IMAGEBATCH_CACHE:-$HOME/.cache/imagebatch}      # outlives the tree: tools, archives of images
tools=$root/build/tools                                 # links to the tools' programs
logs=$root/build/log                                    # the whole output of every step

die() { echo "error: $*" >&2; exit 1; }

# step NAME COMMAND...: runs it quietly; one line with the seconds it took, or its last lines if it fails.
step() {
  local name=$1 start=$SECONDS log rc=0
  shift
  log=$logs/${name// /-}.log
  mkdir -p "$logs"
  "$@" >"$log" 2>&1 </dev/null || rc=$?
  if ((rc != 0)); then
    tail -n 20 "$log" >&2
    die "$name failed (exit $rc); the whole log: $log"
  fi
  printf '%5d s  %s\n' $((SECONDS - start)) "$name" >&2
}
