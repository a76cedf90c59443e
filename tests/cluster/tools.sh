#!/usr/bin/env bash
# Brings the cluster's programs, each once, into the cache:
#   <cache>/tools/<name>-<hash of what defines it>/<programs>
# and links them into one directory, build/tools. They come from the Go module proxy or, unpacked and not installed,
# from Debian: an installed containerd or Prometheus would start as a service and could replace what the machine has.
# Usage: tools.sh [NAME...]     default: all
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly kubernetes=v1.34.4
declare -rA sources=(   # NAME -> a directory here with a go.mod of its own | MODULE@VERSION | Debian packages
  [kube]=tools/kube
  [buildkit]=tools/buildkit
  [runc]=tools/runc
  [coredns]=tools/coredns
  [helm]=tools/helm
  [rootlesskit]=github.com/rootless-containers/rootlesskit/v2/cmd/rootlesskit@v2.3.5
  [kubeconform]=github.com/yannh/kubeconform/cmd/kubeconform@v0.7.0
  [debian]="containerd containernetworking-plugins docker-registry prometheus prometheus-alertmanager"
)
readonly build_order=(debian kube runc buildkit coredns rootlesskit helm kubeconform)

kind() {
  case ${sources[$1]} in
    tools/*) echo module ;;
    *@*) echo program ;;
    *) echo packages ;;
  esac
}

build_kube() {
  local version=k8s.io/component-base/version program
  CGO_ENABLED=0 "$go" build -ldflags \
    "-s -w -X $version.gitVersion=$kubernetes -X $version.gitMajor=1 -X $version.gitMinor=34" -o "$1/kube" .
  for program in etcd kubectl kubelet kube-{apiserver,controller-manager,scheduler,proxy}; do
    ln -s kube "$1/$program"
  done
}

build_buildkit() {
  CGO_ENABLED=0 "$go" build -ldflags '-s -w' -o "$1/" github.com/moby/buildkit/cmd/{buildkitd,buildctl}
}

# Static, because it also goes into an image without a C library.
build_runc() {
  CGO_ENABLED=1 "$go" build -tags 'seccomp netgo osusergo' \
    -ldflags '-s -w -linkmode external -extldflags -static' -o "$1/" github.com/opencontainers/runc
}

build_helm() {
  CGO_ENABLED=0 "$go" build -ldflags '-s -w' -o "$1/" helm.sh/helm/v3/cmd/helm
}

build_coredns() {
  CGO_ENABLED=0 "$go" build -ldflags '-s -w' -o "$1/" .
}

# With the document that Kubernetes' schemas are made from: what it would fetch by itself is not at every hand.
build_kubeconform() {
  local module
  GOBIN=$1 CGO_ENABLED=0 "$go" install -ldflags '-s -w' "${sources[kubeconform]}"
  module=$(cd "$1" && "$go" mod download -json "k8s.io/kubernetes@$kubernetes" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
  install -m 644 "$module/api/openapi-spec/swagger.json" "$1/kubernetes-openapi.json"
}

build_packages() {   # DIR PACKAGE...
  local dir=$1 deb
  shift
  mkdir "$dir/debs" "$dir/root"
  if ! apt-cache show "$@" &>/dev/null; then apt-get update; fi
  (cd "$dir/debs" && apt-get -o APT::Sandbox::User=root download "$@")
  for deb in "$dir"/debs/*.deb; do dpkg -x "$deb" "$dir/root"; done
  mv "$dir"/root/usr/bin/* "$dir/"
  mv "$dir/root/usr/lib/cni" "$dir/cni"
  mkdir "$dir/share"
  mv "$dir/root/usr/share/prometheus" "$dir/share/"   # templates that Alertmanager does not start without
  rm -r "$dir/debs" "$dir/root"
}

# What a tool is made from, as one hash: any change of it makes a new directory in the cache.
definition() {
  {
    case $(kind "$1") in
      module) (cd "$here/${sources[$1]}" && sha256sum -- *) && declare -f "build_$1" && echo "$kubernetes" ;;
      program) echo "${sources[$1]}" && { ! declare -F "build_$1" >/dev/null || { declare -f "build_$1" && echo "$kubernetes"; }; } ;;
      packages) echo "${sources[$1]}" && declare -f build_packages ;;
    esac
  } | sha256sum | cut -c1-12
}

build() {
  local name=$1 dir=$2 source=${sources[$1]} partial
  partial=$(mktemp -d "$dir.XXXX")
  case $(kind "$name") in
    module) (cd "$here/$source" && "build_$name" "$partial") ;;
    program)
      if declare -F "build_$name" >/dev/null; then "build_$name" "$partial"
      else GOBIN=$partial CGO_ENABLED=0 "$go" install -ldflags '-s -w' "$source"; fi
      ;;
    packages) read -ra source <<<"$source" && build_packages "$partial" "${source[@]}" ;;
  esac
  chmod 755 "$partial"
  mv -T "$partial" "$dir"   # complete or not there at all
}

ensure() {
  local name=$1 dir go
  [[ -v sources[$name] ]] || die "no such tool: $name (there are: ${build_order[*]})"
  dir=$cache/tools/$name-$(definition "$name")
  if [[ ! -d $dir ]]; then
    mkdir -p "$cache/tools"
    exec 9>"$cache/tools/$name.lock" && flock 9
    if [[ ! -d $dir ]]; then
      rm -rf "$dir".????        # what a build that was killed left
      [[ $(kind "$name") == packages ]] || go=$("$here/go.sh")
      step "build $name" build "$name" "$dir"
    fi
    exec 9>&-
  fi
  mkdir -p "$tools"
  find "$dir" -mindepth 1 -maxdepth 1 -exec ln -sfn -t "$tools" {} +
}

export GOFLAGS="-trimpath -buildvcs=false ${GOFLAGS-}"
for name in "${@:-${build_order[@]}}"; do ensure "$name"; done
