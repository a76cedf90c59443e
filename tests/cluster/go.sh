#!/usr/bin/env bash
# Prints the path of a go command that is new enough, after fetching one where the machine has none:
# Debian's own Go is too old for the tools' modules, but it can download the toolchain module that newer ones use.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly toolchain=golang.org/toolchain@v0.0.1-go1.26.8.linux-amd64

new_enough() {
  local major minor
  command -v go >/dev/null || return 1
  IFS=. read -r major minor _ <<<"$(GOTOOLCHAIN=local go version | grep -o 'go1[.0-9]*')"
  [[ $major == go1 && $minor -ge 24 ]]
}

# Module archives carry no file modes.
fetch() {
  GOFLAGS=-modcacherw GOMODCACHE=$cache/gomod go mod download "$toolchain"
  chmod -R +x "$1/bin" "$1/pkg/tool"
}

if new_enough; then
  command -v go
else
  toolchain_dir=$cache/gomod/$toolchain
  if [[ ! -x $toolchain_dir/bin/go ]]; then
    packages golang-go ca-certificates
    step "fetch Go" fetch "$toolchain_dir"
  fi
  echo "$toolchain_dir/bin/go"
fi
