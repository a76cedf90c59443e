#!/usr/bin/env bash
# Brings the cluster's programs, each once, into the cache:
#   <cache>/tools/<name>-<hash of what defines it>/<programs>
# and links them into one directory, build/tools. They come from the Go module proxy or, unpacked and not installed,
# from Debian: an installed containerd or Prometheus would start as a service and could replace what the machine has.
# Interpreters of other Debian releases are for the tests of the runner.
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
  [pythons]="bullseye=python3.9 trixie=python3.13"
)
readonly build_order=(debian pythons kube runc buildkit coredns rootlesskit helm kubeconform)

kind() {
  case ${sources[$1]} in
    tools/*) echo module ;;
    *@*) echo program ;;
    *=*) echo releases ;;
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

# pythons/PACKAGE/run of each: the interpreter with its own release's C library, for it may need a newer one than is here.
build_releases() {   # DIR RELEASE=PACKAGE...
  local dir=$1 entry package libraries
  shift
  for entry in "$@"; do
    package=${entry#*=}
    mkdir -p "$dir/pythons/$package"
    mmdebstrap --quiet --variant=extract --include="$package" --dpkgopt='path-exclude=/usr/share/*' \
      "${entry%%=*}" "$dir/pythons/$package/root"
    # Before and after Debian moved /lib to /usr/lib
    libraries=usr/lib/x86_64-linux-gnu
    [[ -e $dir/pythons/$package/root/$libraries/libc.so.6 ]] || libraries=lib/x86_64-linux-gnu
    cat >"$dir/pythons/$package/run" <<TEXT
#!/bin/sh
root=\$(dirname "\$(realpath "\$0")")/root
libraries=\$root/$libraries:\$root/usr/lib/x86_64-linux-gnu
PYTHONHOME=\$root/usr exec "\$root/$libraries/ld-linux-x86-64.so.2" --library-path "\$libraries" "\$root/usr/bin/$package" "\$@"
TEXT
    chmod 755 "$dir/pythons/$package/run"
  done
}

# What a tool is made from, as one hash: any change of it makes a new directory in the cache.
definition() {
  {
    case $(kind "$1") in
      module) (cd "$here/${sources[$1]}" && sha256sum -- *) && declare -f "build_$1" && echo "$kubernetes" ;;
      program) echo "${sources[$1]}" && { ! declare -F "build_$1" >/dev/null || { declare -f "build_$1" && echo "$kubernetes"; }; } ;;
      packages | releases) echo "${sources[$1]}" && declare -f "build_$(kind "$1")" ;;
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
    packages | releases) read -ra source <<<"$source" && "build_$(kind "$name")" "$partial" "${source[@]}" ;;
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
      [[ $(kind "$name") =~ ^(packages|releases)$ ]] || go=$("$here/go.sh")
      step "build $name" build "$name" "$dir"
    fi
    exec 9>&-
  fi
  mkdir -p "$tools"
  find "$dir" -mindepth 1 -maxdepth 1 -exec ln -sfn -t "$tools" {} +
}

export GOFLAGS="-trimpath -buildvcs=false ${GOFLAGS-}"
for name in "${@:-${build_order[@]}}"; do ensure "$name"; done
