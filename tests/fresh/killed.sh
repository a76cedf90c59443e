#!/usr/bin/env bash
# A kill -9 of fresh.sh leaves neither a process nor a file of its root behind.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../cluster/lib.sh"
readonly fresh=${BASH_SOURCE[0]%/*}/fresh.sh bare=$cache/fresh/root

"$fresh" bash -c 'sleep 1000 & touch /tmp/runs; wait' &
pid=$!
wait_for 300 "a process in the bare root" test -e "$bare/tmp/runs"
inside=$(processes_in "$bare" | wc -l)
kill -KILL "$pid"   # in any case, or nobody would end it
((inside > 1)) || die "there was nothing to kill"
wait "$pid" || true
"$fresh" true   # waits for the end of the one before, and refuses to start where something of it is left
