#!/usr/bin/env bash
# Records builds anew: record.sh OCI_ARCHIVE, an image with apt, such as the cache's build-base. Needs root and the tools
# of tests/cluster/tools.sh. Nothing of this machine may stay in what is recorded: read it before it is committed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools=$here/../../../build/tools
work=$(mktemp -d /var/tmp/buildkit.XXXX)
end() {
  kill -KILL "$daemon"
  wait "$daemon" || true
  find /sys/fs/cgroup{,/*}/buildkit -depth -type d -exec rmdir {} \; 2>/dev/null || true
  rm -rf "$work"
}
trap end EXIT
address=unix://$work/socket
PATH=$tools:$PATH unshare --pid --fork --kill-child --mount --mount-proc "$tools/buildkitd" --root "$work/root" \
  --addr "$address" --containerd-worker=false --oci-worker-net host >"$work/log" 2>&1 &
daemon=$!
until "$tools/buildctl" --addr "$address" debug workers >/dev/null 2>&1; do sleep 0.1; done
mkdir "$work/base"
tar -xf "$1" -C "$work/base"
digest=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["manifests"][0]["digest"])' "$work/base/index.json")

record() {   # NAME SECONDS PROGRESS
  "$tools/buildctl" --addr "$address" prune --all >/dev/null
  "$here/record.py" "$here/$1.$3" --seconds "$2" -- "$tools/buildctl" --addr "$address" build "--progress=$3" \
    --frontend dockerfile.v0 --local context="$here" --local dockerfile="$here" --opt filename="Dockerfile.$1" \
    --oci-layout base="$work/base" --opt "context:base=oci-layout://base@$digest" \
    --output type=oci,dest=/dev/null,compression=gzip,compression-level=9,force-compression=true || true
}

for progress in plain rawjson; do
  record packages 600 "$progress"
  record heartbeat 60 "$progress"
  record silent 10 "$progress"
done
