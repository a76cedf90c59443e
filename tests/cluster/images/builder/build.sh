#!/bin/sh
# The command of a build Pod: one image from the Dockerfile in /ctx, built by a BuildKit of the Pod's own as an ordinary
# user, and pushed to $TARGET. Arguments go to `buildctl build` as they are: --opt build-arg:NAME=VALUE
# Environment: TARGET    the image's reference
#              REGISTRY  HOST:PORT of the registries that speak plain HTTP
#              STATE     an empty directory on a file system that an overlay can lie on: an emptyDir
set -eu
: "${TARGET:?}" "${REGISTRY:?}" "${STATE:=/var/lib/buildkit}"
export HOME="$STATE" XDG_RUNTIME_DIR="$STATE/run" BUILDKIT_HOST="unix://$STATE/run/buildkitd.sock"
mkdir -p "$XDG_RUNTIME_DIR"
printf '[registry."%s"]\n  http = true\n' "$REGISTRY" >"$STATE/buildkitd.toml"

# A Pod may make no PID namespace of its own below an unprivileged /proc; the Pod is the sandbox.
rootlesskit buildkitd --config "$STATE/buildkitd.toml" --root "$STATE/root" --addr "$BUILDKIT_HOST" \
  --containerd-worker=false --oci-worker-net host --oci-worker-no-process-sandbox >"$STATE/buildkitd.log" 2>&1 &
daemon=$!
trap 'kill "$daemon" 2>/dev/null; wait "$daemon" || true' EXIT
trap 'exit 143' TERM

# The socket is there a moment before anybody listens
until [ -S "$STATE/run/buildkitd.sock" ] && buildctl debug workers >/dev/null 2>&1; do
  kill -0 "$daemon" 2>/dev/null || { echo "buildkitd did not start:"; cat "$STATE/buildkitd.log"; exit 1; }
  sleep 0.05
done
buildctl build --progress=plain --frontend dockerfile.v0 --local context=/ctx --local dockerfile=/ctx \
  --output "type=image,name=$TARGET,push=true,registry.insecure=true" "$@" && exit
rc=$?
echo "--- buildkitd:"
tail -n 20 "$STATE/buildkitd.log"
exit "$rc"
