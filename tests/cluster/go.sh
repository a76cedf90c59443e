#!/usr/bin/env bash
# Prints the path of a go command that is new enough, after fetching one where the machine has none:
# Debian's own Go is too old for these modules, but it can download the toolchain module that newer ones use.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly toolchain=golang.org/toolchain@v0.0.1-go1.26.8.linux-amd64

if command -v go >/dev/null; then
  IFS=. read -r major minor _ <<<"$(GOTOOLCHAIN=local go env GOVERSION)"
  if [[ $major == go1 && ${minor%%[!0-9]*} -ge 24 ]]; then command -v go; exit; fi
fi
module=$cache/gomod/$toolchain
if [[ ! -x $module/bin/go ]]; then
  packages golang-go ca-certificates
  step "download Go" env GOFLAGS=-modcacherw GOMODCACHE="$cache/gomod" go mod download "$toolchain"
  chmod +x "$module"/bin/* "$module"/pkg/tool/*/*   # module archives carry no modes
fi
echo "$module/bin/go"
