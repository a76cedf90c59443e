# shellcheck shell=bash disable=SC2154
# When each daemon of the cluster serves; sourced by cluster.sh.

get() { curl -fsS --max-time 2 "$@"; }

# Component's own page; only with the node's network, and of a certificate that it has made for itself.
component_is_healthy() { in_node curl -fsSk --max-time 2 "https://127.0.0.1:$1/healthz"; }

node_is_ready() { kubectl wait --for=condition=Ready node/node1 --timeout=1s; }

names_are_resolved() { "$here/resolve.py" "$node_ip" kubernetes.default.svc.cluster.local; }

# prometheus_has FILTER PAGE: whether the page's answer holds the text.
prometheus_has() { get "http://$node_ip:9090/api/v1/$2" | grep -qF -- "$1"; }

# Every daemon by its name, and what must succeed once it serves. Those that start others have been waited for by node.sh.
wait_for_daemons() {
  wait_for 60 "kube-controller-manager" component_is_healthy 10257
  wait_for 60 "kube-scheduler" component_is_healthy 10259
  wait_for 60 "kube-proxy" in_node curl -fsS --max-time 2 http://127.0.0.1:10256/healthz
  wait_for 60 "coredns to resolve a Service" names_are_resolved
  wait_for 60 "the node to be ready" node_is_ready
  wait_for 60 "the default ServiceAccount" kubectl get serviceaccount default
  wait_for_monitoring
}

wait_for_monitoring() {
  wait_for 30 "the receiver of alerts" in_node curl -fsS --max-time 2 http://127.0.0.1:9095/
  wait_for 30 "the discovery of targets" in_node curl -fsS --max-time 2 http://127.0.0.1:9096/
  wait_for 30 "alertmanager" get "http://$node_ip:9093/-/ready"
  wait_for 60 "prometheus" get "http://$node_ip:9090/-/ready"
  wait_for 30 "prometheus to find its alertmanager" prometheus_has 127.0.0.1:9093/api alertmanagers
}

# What of a daemon can no longer become better: it has ended twice in a row, or there is nobody left to start any.
give_up_early() {
  local failed name
  for failed in "$cluster"/failed/*; do
    [[ -e $failed ]] || continue
    name=${failed##*/}
    echo "the last lines of $cluster/log/$name.log:" >&2
    tail -n 10 "$cluster/log/$name.log" >&2
    die "$name ended twice in a row; ./dev cluster down ends the cluster"
  done
  if [[ -e $cluster/init.pid && ! -e /proc/$(<"$cluster/init.pid") ]]; then
    tail -n 10 "$cluster/log/node.log" >&2
    die "the node ended; see $cluster/log/node.log"
  fi
}
