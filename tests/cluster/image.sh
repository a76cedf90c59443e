#!/usr/bin/env bash
# Builds the controller's image from the Dockerfile, unless the cache has one of the same sources, pushes it to the
# cluster's registry, and prints its reference: <registry>/imagebatch:<hash of the sources>
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly sources=(Dockerfile .dockerignore CMakeLists.txt CMakePresets.json cmake controller)
readonly state=$cache/buildkit              # layers and compiler cache: a second build is quick
readonly run=$state/run address=unix://$state/run/socket
readonly compiler_cache=$cache/ccache cache_port=5079   # as files, and where the build reaches them
readonly kept=3                             # archives of earlier sources that stay in the cache

source_hash() { (cd "$root" && find "${sources[@]}" -type f -print0 | sort -z | xargs -0 sha256sum) | sha256sum | cut -c1-12; }

# BuildKit in namespaces of its own: what it starts, mounts and writes below /run ends with it, and it with this script.
start_buildkit() {
  rm -rf "$run"   # what a killed run left
  mkdir -p "$run"/{upper,work}
  printf '[registry."%s"]\n  http = true\n' "$registry" >"$run/buildkitd.toml"
  # shellcheck disable=SC2016  # for the inner shell
  PATH=$tools:$PATH setpriv --pdeathsig KILL unshare --pid --fork --kill-child --mount --mount-proc \
    sh -c 'mount --no-mtab -t overlay -o "lowerdir=/run,upperdir=$0/upper,workdir=$0/work" run /run && exec "$@"' "$run" \
    buildkitd --config "$run/buildkitd.toml" --root "$state" --addr "$address" \
    --containerd-worker=false --oci-worker-net host >"$logs/buildkitd.log" 2>&1 </dev/null 9>&- &
  buildkit=$!
  trap stop_buildkit EXIT
  setpriv --pdeathsig KILL "$here/images/compiler-cache.py" "$cache_port" "$compiler_cache" \
    >"$logs/compiler-cache.log" 2>&1 </dev/null 9>&- &
  compiler_cache_server=$!
  wait_for 30 "BuildKit" test -S "$run/socket"
}

stop_buildkit() {
  kill "$compiler_cache_server" || true
  pkill -TERM -P "$buildkit" || true
  wait "$buildkit" "$compiler_cache_server" || true
  rm -rf "$run"
  remove_cgroups
}

build() {   # ARCHIVE
  local version revision
  version=$(sed -n 's/^project(imagebatch VERSION \([0-9.]*\).*/\1/p' "$root/CMakeLists.txt")
  revision=$(git -C "$root" describe --always --dirty 2>/dev/null || echo unknown)
  start_buildkit
  "$tools/buildctl" --addr "$address" build --progress=plain --frontend dockerfile.v0 \
    --local context="$root" --local dockerfile="$root" \
    --opt build-arg:BUILD_BASE="$registry/build-base:1" --opt build-arg:RUNTIME_BASE="$registry/runtime-base:1" \
    --opt build-arg:CCACHE_REMOTE_STORAGE="http://127.0.0.1:$cache_port/" \
    --opt build-arg:VERSION="$version" --opt build-arg:REVISION="$revision" \
    --output "type=oci,dest=$cache/images/imagebatch.partial"
  mv "$cache/images/imagebatch.partial" "$1"
}

drop_old() {
  find "$cache/images" -name 'imagebatch-*.tar' -printf '%T@ %p\n' | sort -rn | tail -n "+$((kept + 1))" |
    cut -d' ' -f2- | xargs -r rm --
}

need_root "building the controller's image"
mkdir -p "$cache/images"
exec 9>"$cache/buildkit.lock"
flock 9
tag=$(source_hash)
archive=$cache/images/imagebatch-$tag.tar
if [[ ! -e $archive ]]; then
  "$here/images.sh" build-base runtime-base
  step "build the controller image" build "$archive"
  drop_old
fi
"$here/images/push.py" "$archive" "$registry/imagebatch:$tag"
echo "$registry/imagebatch:$tag"
