# shellcheck shell=bash disable=SC2034
# Settings and helpers shared by ./dev and the scripts of the test cluster; sourced, never run.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)      # tests/cluster
root=$(cd "$here/../.." && pwd)                         # the repository
cache=${IMAGEBATCH_CACHE:-$HOME/.cache/imagebatch}      # outlives the tree: tools, image archives, build state
cluster=$(realpath -ms "${IMAGEBATCH_CLUSTER_DIR:-$root/build/cluster}")  # all that one run of the cluster writes
tools=$root/build/tools                                 # links to the tools' programs
logs=$root/build/log                                    # the whole output of every step

node_ip=10.88.0.1 host_ip=10.88.255.254                 # the node's bridge; this machine on that bridge
pod_net=10.88.0.0/16 service_net=10.96.0.0/16
registry=$node_ip:5000                                  # plain HTTP

die() { echo "error: $*" >&2; exit 1; }

need_root() { ((EUID == 0)) || die "$1 needs root; run it again with sudo"; }

# step NAME COMMAND...: runs it quietly; one line with the seconds it took, or its last lines if it fails.
# To be called as a plain command: errexit is off inside anything whose exit code is tested.
step() {
  local name=$1 start=$SECONDS log rc
  shift
  log=$logs/${name//[ \/:]/-}.log
  mkdir -p "$logs"
  set +e
  (set -e; "$@") >"$log" 2>&1 </dev/null
  rc=$?
  set -e
  if ((rc != 0)); then
    tail -n 20 "$log" >&2
    die "$name failed (exit $rc); the whole log: $log"
  fi
  printf '%5d s  %s\n' $((SECONDS - start)) "$name" >&2
}

# packages NAME...: installs those Debian packages that are missing.
packages() {
  local name missing=()
  for name in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || missing+=("$name")
  done
  ((${#missing[@]} == 0)) || step "install ${#missing[@]} Debian packages" install_packages "${missing[@]}"
}

install_packages() {
  need_root "installing $*"
  mkdir -p "$cache"
  exec 8>"$cache/apt.lock" && flock 8
  apt-get update
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=600 "$@"
}

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
  local tries=$(($1 * 20))
  shift
  until "$@" >/dev/null 2>&1; do
    ((tries-- > 0)) || die "gave up waiting for: $*"
    sleep 0.05
  done
}

# render FILE DESTINATION: a file of config/ with its __NAMES__ filled in.
render() {
  sed -e "s|__DIR__|$cluster|g; s|__TOOLS__|$tools|g; s|__NODE_IP__|$node_ip|g; s|__REGISTRY__|$registry|g" \
    -e "s|__POD_NET__|$pod_net|g" "$here/config/$1" >"$2"
}
