#!/bin/sh
# The real buildkitd, outside of the build, at $TMPDIR/buildkitd.sock. All that it starts ends with it.
set -eu
exec unshare --mount --propagation private --pid --fork --kill-child --mount-proc -- \
  buildkitd --root "$TMPDIR/buildkit" --addr "unix://$TMPDIR/buildkitd.sock" --oci-worker-snapshotter native \
  --oci-worker-net host --containerd-worker=false
