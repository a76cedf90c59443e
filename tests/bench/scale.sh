#!/usr/bin/env bash
# Memory and restarts at scale, of an older commit and of this tree side by side (build/release must be there).
# Usage: scale.sh [COMMIT [scale.py's options]]
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../cluster/lib.sh"
commit=${1:-8b45466}
shift || true
readonly old=$root/build/bench/$commit server=$root/build/bench/server

build_old() {
  rm -rf "$old/tree"
  mkdir -p "$old/tree"
  git -C "$root" archive "$commit" | tar -x -C "$old/tree"
  cmake -S "$old/tree" -B "$old/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF
  cmake --build "$old/build" --target imagebatch --parallel "$(nproc)"
}

# measure TREE BINARY OUTPUT OPTION...: on an API server of its own.
measure() {
  local tree=$1
  shift
  "$here/apiserver.sh" up "$server"
  KUBECONFIG=$server/admin.conf KUBECTL=$tools/kubectl python3 "$root/tests/bench/scale.py" measure --tree "$tree" "$@"
  "$here/apiserver.sh" down "$server"
}

git -C "$root" rev-parse --quiet --verify "$commit^{commit}" >/dev/null || die "there is no commit $commit"
[[ -x $old/build/imagebatch ]] || step "compile $commit" build_old
trap '"$here/apiserver.sh" down "$server"' EXIT
measure "$old/tree" "$old/build/imagebatch" "$old/figures.json" "$@"
measure "$root" "$root/build/release/imagebatch" "$root/build/bench/figures.json" "$@"
python3 "$root/tests/bench/scale.py" compare "$old/figures.json" "$root/build/bench/figures.json"
