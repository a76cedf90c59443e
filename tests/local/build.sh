#!/bin/sh
# A build that proves that it is alone: build.sh DIRECTORY NAME SECONDS [FLAG-FILE]
# It holds a lock for as long as it, or a process that it has started, lives. While FLAG-FILE is there, builds take an hour.
set -eu
exec 9>"$1/locks/$2"
flock -n 9 || { echo "$2" >>"$1/twice"; exit 1; }
echo "$2" >>"$1/begun"
time=$3
[ ! -e "${4-/none}" ] || time=3600
sleep "$time"
echo "$2" >>"$1/done"
echo "built $2"
