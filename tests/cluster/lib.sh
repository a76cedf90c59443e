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
login_registry=$host_ip:5001                            # the same with a login; samples_test.py's

die() { echo "error: $*" >&2; exit 1; }

need_root() { ((EUID == 0)) || die "$1 needs root; run it again with sudo"; }

# Seconds that the long steps usually take on two quiet cores when nothing of them is in a cache.
declare -rA usual=(
  ["build kube"]=330 ["build buildkit"]=90 ["build runc"]=35 ["build coredns"]=15 ["build helm"]=20
  ["build debian"]=10 ["build pythons"]=30 ["build rootlesskit"]=5 ["build kubeconform"]=5 ["fetch Go"]=20
  ["make the image builder"]=15 ["make the image build-base"]=45 ["make the image runtime-base"]=15
  ["build the controller image"]=200 ["compile release"]=400 ["start the cluster"]=15
)

# step NAME COMMAND...: runs it quietly. On a terminal a line counts the seconds; elsewhere what takes long says so when it
# begins. In the end a line with the seconds it took, or its last lines if it fails.
# To be called as a plain command: errexit is off inside anything whose exit code is tested.
step() {
  local name=$1 start=$SECONDS log rc progress
  shift
  log=$logs/${name//[ \/:]/-}.log
  mkdir -p "$logs"
  : >"$log"
  show_progress "$name" "$log" </dev/null >/dev/null 8>&- 9>&- &
  progress=$!
  set +e
  (set -e; "$@") >"$log" 2>&1 </dev/null
  rc=$?
  kill "$progress" && wait "$progress"
  set -e
  [[ ! -t 2 ]] || printf '\r\e[K' >&2
  if ((rc != 0)); then
    tail -n 20 "$log" >&2
    die "$name failed (exit $rc); the whole log: $log"
  fi
  printf '%5d s  %s\n' $((SECONDS - start)) "$name" >&2
}

# What a step does while it runs: its seconds beside the usual ones, and what it waits for.
show_progress() {   # NAME LOG
  local start=$SECONDS note="" last before="" shown=""
  [[ ! -v usual[$1] ]] || note=" (usually ${usual[$1]} s)"
  [[ -t 2 || -z $note ]] || printf '         %s%s\n' "$1" "$note" >&2
  while kill -0 $$ 2>/dev/null; do
    last=$(tail -n 1 "$2" | tr -d "\0")
    [[ $last == "waiting for "* ]] || last=""
    if [[ -t 2 ]]; then
      printf '\r\e[K%5d s  %s%s%s' $((SECONDS - start)) "$1" "$note" "${last:+: $last}" >&2
    elif [[ -n $last && $last == "$before" && $last != "$shown" ]]; then   # not what passes at once
      printf '%5d s  %s: %s\n' $((SECONDS - start)) "$1" "$last" >&2
      shown=$last
    fi
    before=$last
    sleep 1
  done
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

# wait_for SECONDS WHAT COMMAND...: until it succeeds. Says what it waits for unless that is there already.
wait_for() {
  local seconds=$1 what=$2 end=$((SECONDS + $1))
  shift 2
  ! "$@" >/dev/null 2>&1 || return 0
  echo "waiting for $what, at most $seconds s" >&2
  until "$@" >/dev/null 2>&1; do
    give_up_early
    ((SECONDS < end)) || die "gave up waiting for $what after $seconds s"
    sleep 0.05
  done
}

# Ends what waits where there is nothing left to wait for. A script that waits for daemons has one of its own.
give_up_early() { :; }

# processes_in ROOT: those whose root directory it is, a line each.
processes_in() {
  local link
  for link in /proc/[0-9]*/root; do
    [[ ! $link -ef $1 ]] || echo "$link"
  done
}

# containerd's and BuildKit's cgroups outlive a namespace, and a kill -9. Only empty ones can be removed, so another
# containerd's Pods are safe.
remove_cgroups() { find /sys/fs/cgroup{,/*}/{k8s.io,buildkit} -depth -type d -exec rmdir {} \; 2>/dev/null || true; }

# render FILE DESTINATION: a file of config/ with its __NAMES__ filled in.
render() {
  sed -e "s|__DIR__|$cluster|g; s|__TOOLS__|$tools|g; s|__NODE_IP__|$node_ip|g; s|__REGISTRY__|$registry|g" \
    -e "s|__POD_NET__|$pod_net|g" "$here/config/$1" >"$2"
}
