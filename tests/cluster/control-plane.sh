# shellcheck shell=bash disable=SC2154
# The two daemons that every control plane here has; sourced. Each function becomes the daemon.

# run_etcd CLIENT_PORT PEER_PORT: on the loopback device, with its data below the current directory.
# Nothing here has to survive a power cut, so it need not wait for the disk.
run_etcd() {
  exec "$tools/etcd" --data-dir etcd --unsafe-no-fsync --log-level warn \
    --listen-client-urls "http://127.0.0.1:$1" --advertise-client-urls "http://127.0.0.1:$1" \
    --listen-peer-urls "http://127.0.0.1:$2" --initial-advertise-peer-urls "http://127.0.0.1:$2" \
    --initial-cluster "default=http://127.0.0.1:$2"
}

# run_apiserver ETCD_PORT IP PORT FLAG...: every write is in log/audit.json once it was answered. Serves
# MutatingAdmissionPolicy, which Kubernetes has on by itself from 1.36 on.
run_apiserver() {
  local etcd_port=$1 ip=$2 port=$3
  shift 3
  exec "$tools/kube-apiserver" --etcd-servers="http://127.0.0.1:$etcd_port" \
    --bind-address="$ip" --advertise-address="$ip" --secure-port="$port" --service-cluster-ip-range="$service_net" \
    --tls-cert-file=pki/apiserver.crt --tls-private-key-file=pki/apiserver.key --client-ca-file=pki/ca.crt \
    --service-account-key-file=pki/sa.pub --service-account-signing-key-file=pki/sa.key \
    --service-account-issuer=https://kubernetes.default.svc --authorization-mode=Node,RBAC \
    --feature-gates=MutatingAdmissionPolicy=true --runtime-config=admissionregistration.k8s.io/v1beta1=true \
    --audit-policy-file="$here/config/audit-policy.yaml" --audit-log-path=log/audit.json --audit-log-format=json \
    "$@"
}
