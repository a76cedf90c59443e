#!/usr/bin/env bash
# Builds the cluster's tools from the Go module proxy, each once, into the cache:
#   <cache>/tools/<name>-<hash of what defines it>/<programs>
# and links their programs into one directory, build/tools, which `tool` in lib.sh reads.
# Usage: tools.sh [NAME...]     default: all
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly kubernetes=v1.34.4
declare -rA sources=(   # NAME -> a directory here with a go.mod of its own, or MODULE@VERSION
  [kube]=tools/kube
  [buildkit]=tools/buildkit
  [runc]=tools/runc
  [coredns]=github.com/coredns/coredns@v1.12.4
  [helm]=helm.sh/helm/v3/cmd/helm@v3.22.0
  [rootlesskit]=github.com/rootless-containers/rootlesskit/v2/cmd/rootlesskit@v2.3.5
  [kubeconform]=github.com/yannh/kubeconform/cmd/kubeconform@v0.7.0
)
readonly build_order=(kube runc buildkit coredns rootlesskit helm kubeconform)

build_kube() {
  local package=k8s.io/component-base/version program
  CGO_ENABLED=0 "$go" build -ldflags \
    "-s -w -X $package.gitVersion=$kubernetes -X $package.gitMajor=1 -X $package.gitMinor=34" -o "$1/kube" .
  for program in etcd kubectl kubelet kube-{apiserver,controller-manager,scheduler,proxy}; do
    ln -s kube "$1/$program"
  done
}

build_buildkit() { CGO_ENABLED=0 "$go" build -ldflags '-s -w' -o "$1/" github.com/moby/buildkit/cmd/{buildkitd,buildctl}; }

# Static, because it also goes into an image without a C library.
build_runc() {
  CGO_ENABLED=1 "$go" build -tags 'seccomp netgo osusergo' \
    -ldflags '-s -w -linkmode external -extldflags -static' -o "$1/" github.com/opencontainers/runc
}

# What a tool is made from, as one hash: any change of it makes a new directory in the cache.
definition() {
  local source=${sources[$1]}
  if [[ $source == *@* ]]; then
    echo "$source $kubernetes"
  else
    (cd "$here/$source" && sha256sum -- * && declare -f "build_$1" && echo "$kubernetes")
  fi | sha256sum | cut -c1-12
}

build() {
  local name=$1 dir=$2 source=${sources[$1]} partial
  partial=$(mktemp -d "$dir.XXXX")
  if [[ $source == *@* ]]; then
    GOBIN=$partial CGO_ENABLED=0 "$go" install -ldflags '-s -w' "$source"
  else
    (cd "$here/$source" && "build_$name" "$partial")
  fi
  mv -T "$partial" "$dir"   # complete or not there at all
}

ensure() {
  local name=$1 dir go lock
  [[ -v sources[$name] ]] || die "no such tool: $name (there are: ${build_order[*]})"
  dir=$cache/tools/$name-$(definition "$name")
  if [[ ! -d $dir ]]; then
    mkdir -p "$cache/tools"
    exec {lock}>"$cache/tools/$name.lock"
    flock "$lock"
    if [[ ! -d $dir ]]; then
      rm -rf "$dir".????        # what a build that was killed left
      go=$("$here/go.sh")
      step "build $name" build "$name" "$dir"
    fi
    exec {lock}>&-
  fi
  mkdir -p "$tools"
  find "$dir" -mindepth 1 -maxdepth 1 -exec ln -sfn -t "$tools" {} +
}

export GOFLAGS="-trimpath -buildvcs=false ${GOFLAGS-}"
for name in "${@:-${build_order[@]}}"; do ensure "$name"; done
