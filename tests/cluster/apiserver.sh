#!/usr/bin/env bash
# A control plane alone, for tests against the real API server: etcd and kube-apiserver on free ports of the loopback
# device. Needs no root; Pods never start, and nothing but the API server's own admission looks at what is created.
# Usage: apiserver.sh up|down DIR      up: the administrator's kubeconfig is DIR/admin.conf, the audit log DIR/log/audit.json
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$here/pki.sh"
. "$here/control-plane.sh"

free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 10000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  done
  echo "$port"
}

# lives NAME: the daemon of that name runs, and is still ours.
lives() { [[ -e daemons/$1 && $(readlink "/proc/$(<"daemons/$1")/cwd") == "$PWD" ]]; }

is_ready() { "$tools/kubectl" --kubeconfig=admin.conf get --raw /readyz; }
is_ready_or_dead() { is_ready || ! lives etcd || ! lives kube-apiserver; }
is_gone() { ! lives "$1"; }

daemon() {
  local name=$1
  shift
  "$@" >"log/$name.log" 2>&1 </dev/null &
  echo $! >"daemons/$name"
}

start() {
  local etcd_port port
  etcd_port=$(free_port) port=$(free_port)
  make_kubeconfig admin "https://127.0.0.1:$port"
  daemon etcd run_etcd "$etcd_port" "$(free_port)"
  # There is nobody to make the ServiceAccounts that Pods would need, nor a second server to agree with.
  daemon kube-apiserver run_apiserver "$etcd_port" 127.0.0.1 "$port" \
    --disable-admission-plugins=ServiceAccount --endpoint-reconciler-type=none
  wait_for 60 "the API server" is_ready_or_dead
}

up() {
  mkdir -p daemons log
  if lives kube-apiserver && is_ready >/dev/null 2>&1; then return; fi
  down
  rm -rf etcd pki log/*
  make_pki 127.0.0.1 2>log/pki.log
  for _ in 1 2 3; do   # another process may have taken a port meanwhile
    start
    if is_ready >/dev/null 2>&1; then return; fi
    down
    rm -rf etcd
  done
  tail -n 5 log/*.log >&2
  die "the API server does not start"
}

down() {
  local name
  for name in kube-apiserver etcd; do
    ! lives "$name" || kill -KILL "$(<"daemons/$name")"
    wait_for 10 "the end of $name" is_gone "$name"
    rm -f "daemons/$name"
  done
}

[[ $# == 2 && $1 =~ ^(up|down)$ ]] || die "usage: apiserver.sh up|down DIR"
mkdir -p "$2"
cd "$2"
"$1"
