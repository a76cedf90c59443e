#!/usr/bin/env bash
# The throwaway cluster: one Kubernetes node in PID, mount and network namespaces of its own, so that the end of one
# process is the end of everything in it: daemons, Pods, mounts, network devices, iptables rules.
# Usage: cluster.sh up | down | status | restart-apiserver
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$here/pki.sh"
. "$here/ready.sh"

readonly link=imagebatch0   # the machine's end of the cable to the node's bridge
readonly rules=$root/charts/imagebatch/files/alerts.yaml

kubectl() { "$tools/kubectl" --kubeconfig="$cluster/admin.conf" "$@"; }

# init_pid: the PID of unshare(1), which made the namespaces, if it lives.
init_pid() {
  local pid
  pid=$(cat "$cluster/init.pid" 2>/dev/null) || return 1
  [[ $(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline") == unshare*"/tests/cluster/node.sh $cluster " ]] && echo "$pid"
}

# node_pid: the PID of the namespaces' PID 1, seen from here.
node_pid() {
  local init
  init=$(init_pid) && pgrep -P "$init"
}

is_up() { [[ -e $cluster/up ]] && node_pid >/dev/null; }

# in_node COMMAND...: runs it among the cluster's processes and network devices.
in_node() { nsenter -t "$(node_pid)" --pid --net --mount "$@"; }

write_configuration() {
  local host
  mkdir -p log etcd registry daemons failed rules cni/conf kubelet/seccomp
  render containerd.toml containerd.toml
  for host in "$registry" docker.io quay.io; do   # of the latter it is a mirror
    mkdir -p "containerd/hosts/$host"
    render hosts.toml "containerd/hosts/$host/hosts.toml"
  done
  render bridge.conflist cni/conf/bridge.conflist
  render registry.yaml registry.yaml
  render Corefile Corefile
  render kubelet.yaml kubelet.yaml
  render prometheus.yml prometheus.yml
  render alertmanager.yml alertmanager.yml
  cp "$here/config/seccomp-userns.json" kubelet/seccomp/userns.json
  touch resolv.conf alerts.jsonl
}

write_credentials() {
  make_pki "$node_ip"
  sign kubelet /O=system:nodes/CN=system:node:node1 "DNS:node1,IP:$node_ip"
  make_kubeconfig kubelet "https://$node_ip:6443"
  make_kubeconfig admin "https://$node_ip:6443"
}

plug_in() {
  ip link add "$link" type veth peer name uplink netns "$1"
  ip link set "$link" alias "$cluster"
  nsenter -t "$1" --net ip link set uplink master cni0 up
  ip addr add "$host_ip/16" dev "$link"
  ip link set "$link" up
  ip route replace "$service_net" via "$node_ip"
}

start() {
  mkdir -p "$cluster"
  touch "$cluster/imagebatch-cluster"   # down and up delete nothing where this is missing
  cd "$cluster"
  write_configuration
  write_credentials
  setsid unshare --pid --fork --kill-child --mount --propagation private --mount-proc --net \
    "$here/node.sh" "$cluster" >log/node.log 2>&1 </dev/null 9>&- &
  echo $! >init.pid
  wait_for 20 "the node's network" test -e network.ready
  plug_in "$(node_pid)"
  wait_for 180 "the API server and containerd" test -e node.ready
  wait_for 30 "the registry" get "http://$registry/v2/"
  "$here/images.sh" pause               # before the first Pod
  wait_for_daemons
  touch up
}

# Another tree's cluster has the same addresses.
refuse_a_second() {
  local other
  other=$(cat "/sys/class/net/$link/ifalias" 2>/dev/null) || return 0
  [[ $other == "$cluster" ]] || die "a cluster runs already, with its files in $other;" \
    "end it first: IMAGEBATCH_CLUSTER_DIR=$other ./dev cluster down"
}

up() {
  if ! is_up; then
    refuse_a_second
    tear_down
    [[ ! -e $cluster || -e $cluster/imagebatch-cluster ]] || [[ -z $(ls -A "$cluster") ]] ||
      die "$cluster holds something else; set IMAGEBATCH_CLUSTER_DIR to a directory that is empty or not there"
    rm -rf "$cluster"
    step "start the cluster" start
  fi
  give_up_early
  step "load the alert rules" load_rules
}

# The alert rules are the chart's, and may have changed since.
load_rules() {
  [[ -e $rules ]] || return 0
  if ! cmp -s "$rules" "$cluster/rules/imagebatch.yaml"; then
    cp "$rules" "$cluster/rules/imagebatch.yaml"
    curl -fsS -X POST "http://$node_ip:9090/-/reload" || die "Prometheus does not take $rules"
  fi
  wait_for 30 "prometheus to have loaded $rules" prometheus_has '"file":"rules/imagebatch.yaml"' rules
}

# Ends what runs and removes what outlives namespaces. The logs stay.
tear_down() {
  local init node
  if init=$(init_pid); then
    node=$(node_pid) || node=$init
    kill -KILL "$node"
    # That the node has ended, or a daemon has failed, is here no reason to give up
    (give_up_early() { :; } && wait_for 60 "the end of the cluster's processes" not_running "$init")
  fi
  rm -f "$cluster"/{init.pid,up}
  [[ $(cat "/sys/class/net/$link/ifalias" 2>/dev/null) != "$cluster" ]] || ip link del "$link"
  remove_cgroups
}

not_running() { [[ ! -e /proc/$1 ]]; }

down() { if is_up || [[ -e $cluster ]]; then step "end the cluster" tear_down; fi; }

status() {
  local name
  is_up || { echo "no cluster runs (./dev cluster up starts one)"; return 1; }
  kubectl get nodes
  kubectl get pods --all-namespaces --no-headers 2>/dev/null |
    awk '{n[$4]++} END {printf "pods:"; for (s in n) printf " %d %s", n[s], s; print ""}'
  printf 'daemons:'
  for name in "$cluster"/daemons/*; do
    printf ' %s' "${name##*/}"
    [[ ! -e $cluster/failed/${name##*/} ]] || printf ' (ended twice in a row)'
  done
  printf '\nkubeconfig %s\nregistry   http://%s\nprometheus http://%s:9090\nalerts     http://%s:9093, received: %s\nlogs       %s\n' \
    "$cluster/admin.conf" "$registry" "$node_ip" "$node_ip" "$cluster/alerts.jsonl" "$cluster/log"
}

apiserver_is_ready() { kubectl get --raw /readyz; }

# As a crash would: the node starts it again.
restart_apiserver() {
  is_up || die "no cluster runs (./dev cluster up starts one)"
  touch "$cluster/daemons/kube-apiserver.asked"
  in_node bash -c "kill -KILL \$(<'$cluster/daemons/kube-apiserver')"
  step "restart the API server" wait_for 60 "the API server" apiserver_is_ready
}

lock() {
  mkdir -p "$cache"
  exec 9>"$cache/cluster.lock"
  flock 9
}

need_root "the cluster"

case ${1-} in
  up) lock; up ;;
  down) lock; down ;;
  status) status ;;
  restart-apiserver) restart_apiserver ;;
  *) die "usage: cluster.sh up | down | status | restart-apiserver" ;;
esac
