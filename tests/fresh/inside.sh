#!/usr/bin/env bash
# PID 1 of the bare root: enters it and runs a command there. Started by fresh.sh, never by hand.
# Usage: inside.sh ROOT PROJECT COMMAND...
set -euo pipefail
root=$1 project=$2
shift 2

mount --no-mtab --bind "$root" "$root"
mount --no-mtab -t proc proc "$root/proc"
mount --no-mtab --rbind /sys "$root/sys"
mount --no-mtab --rbind /dev "$root/dev"
while read -r from to; do
  mkdir -p "$root$to"
  mount --no-mtab --bind "$from" "$root$to"
done <"$root/root/caches"
mapfile -t environment <"$root/root/environment"
cd "$root"
pivot_root . mnt
umount --no-mtab --lazy /mnt
cd "$project"
rc=0
env -i "${environment[@]}" "$@" || rc=$?
exit "$rc"   # not exec: who is PID 1 reaps what others leave
