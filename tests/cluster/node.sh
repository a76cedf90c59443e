#!/usr/bin/env bash
# PID 1 of the cluster's namespaces: starts its daemons and keeps them running. Started by cluster.sh, never by hand.
# Usage: node.sh DIR
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$here/control-plane.sh"
cluster=$1
cd "$cluster"
export PATH=$tools:$PATH

readonly steady=30   # seconds; a daemon that has lived so long does not end twice in a row

# daemon NAME COMMAND...: starts it again whenever it ends, as a kubelet does with static Pods. One that ends twice in a
# row, and not because somebody asked for it, is marked in failed/.
daemon() {
  local name=$1 ended=0 started rc
  shift
  while :; do
    started=$SECONDS
    "$@" >>"log/$name.log" 2>&1 </dev/null &
    echo $! >"daemons/$name"
    rc=0
    wait $! || rc=$?
    echo "ended with $rc at $(date +%T)" >>"log/$name.log"
    ((SECONDS - started < steady)) || ended=0
    if [[ -e daemons/$name.asked ]]; then rm "daemons/$name.asked"; else ((++ended < 2)) || touch "failed/$name"; fi
    sleep 0.2
  done &
}

# What daemons write outside the cluster's directory ends with this mount namespace.
hide_the_machine() {
  mount --no-mtab -t tmpfs run /run
  mkdir -p hidden/{upper,work}
  mount --no-mtab -t overlay -o "lowerdir=/var/lib,upperdir=$PWD/hidden/upper,workdir=$PWD/hidden/work" var-lib /var/lib
  mkdir -p log/var
  mount --no-mtab --bind log/var /var/log
}

# Debian's tools look for their files in /usr/share, where they are only if their packages are installed.
bring_shared_files() {
  mount --no-mtab -t overlay -o "ro,lowerdir=$(realpath "$tools/share"):/usr/share" shared /usr/share
}

# One bridge for the node and its Pods; cluster.sh joins the machine to it.
make_network() {
  ip link set lo up
  # With an address of its own. Otherwise the bridge takes its lowest port's, which changes as Pods come and go, and
  # every neighbour that has cached the old one loses the node for up to a minute.
  ip link add cni0 address 0a:58:0a:58:00:01 type bridge
  ip addr add "$node_ip/16" dev cni0
  ip link set cni0 up
  echo 1 >/proc/sys/net/ipv4/ip_forward
  # From a Pod through a Service to a Pod on the same bridge.
  echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables 2>/dev/null || true
}

start_control_plane() {
  daemon etcd run_etcd 2379 2380
  daemon kube-apiserver run_apiserver 2379 "$node_ip" 6443 --allow-privileged \
    --kubelet-client-certificate=pki/admin.crt --kubelet-client-key=pki/admin.key \
    --kubelet-certificate-authority=pki/ca.crt --kubelet-preferred-address-types=InternalIP
}

start_runtime() {
  daemon docker-registry docker-registry serve registry.yaml
  daemon containerd containerd -c containerd.toml
}

# The controllers' own client limits are raised: at their defaults the Pods of 500 Jobs take a minute to appear.
start_controllers() {
  daemon kube-controller-manager kube-controller-manager --kubeconfig=admin.conf --leader-elect=false \
    --service-account-private-key-file=pki/sa.key --root-ca-file=pki/ca.crt --use-service-account-credentials \
    --controllers='*,-node-ipam-controller,-node-route-controller,-service-lb-controller' \
    --concurrent-job-syncs=50 --kube-api-qps=1000 --kube-api-burst=1000
  daemon kube-scheduler kube-scheduler --kubeconfig=admin.conf --leader-elect=false \
    --kube-api-qps=1000 --kube-api-burst=1000
  daemon coredns coredns -conf Corefile
  daemon kube-proxy kube-proxy --kubeconfig=admin.conf --hostname-override=node1 --cluster-cidr="$pod_net" \
    --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0 --conntrack-tcp-timeout-close-wait=0
  daemon kubelet kubelet --kubeconfig=kubelet.conf --config=kubelet.yaml --root-dir="$PWD/kubelet" \
    --hostname-override=node1 --node-ip="$node_ip"
}

start_monitoring() {
  daemon discovery "$here/discovery.py" 9096 "https://$node_ip:6443" pki/ca.crt pki/admin.crt pki/admin.key
  daemon prometheus prometheus --config.file=prometheus.yml --storage.tsdb.path=prometheus \
    --web.listen-address="$node_ip:9090" --web.enable-lifecycle --log.level=warn
  daemon alertmanager prometheus-alertmanager --config.file=alertmanager.yml --storage.path=alertmanager \
    --web.listen-address=:9093 --cluster.listen-address= --log.level=warn
  daemon receiver "$here/receiver.py" 9095 alerts.jsonl
}

hide_the_machine
bring_shared_files
make_network
touch network.ready
start_control_plane
start_runtime
wait_for 120 "the API server" kubectl --kubeconfig=admin.conf get --raw /readyz
wait_for 30 "containerd" ctr -a containerd/socket version
start_controllers
start_monitoring
touch node.ready
while :; do wait -n || true; done   # and so reap what containers leave; ends with the namespace
