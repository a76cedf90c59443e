#!/bin/sh
# The command of every build. The row named in $HANG is built through a process pool instead, as the whole batch once
# was, and in its first attempt the pool is forked while a lock is held.
set -eu
if [ "$NAME" = "$HANG" ]; then
  exec python3 /ctx/fork_pool.py --hang-on-attempts "$HANG_ON_ATTEMPTS" -- build.sh "$@"
fi
exec build.sh "$@"
