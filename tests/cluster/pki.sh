# shellcheck shell=bash
# Certificates of a control plane, below the current directory; sourced.

key() { openssl ecparam -name prime256v1 -genkey -noout -out "pki/$1.key"; }

# sign NAME SUBJECT SUBJECT-ALTERNATIVE-NAMES
sign() {
  key "$1"
  openssl req -new -key "pki/$1.key" -subj "$2" -out "pki/$1.csr"
  openssl x509 -req -in "pki/$1.csr" -CA pki/ca.crt -CAkey pki/ca.key -CAcreateserial -days 30 -out "pki/$1.crt" \
    -extfile <(printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\n' "$3")
}

# make_pki IP: the authority, the API server's certificate for that address, the administrator's, and the key
# that service account tokens are signed with.
make_pki() {
  local service=kubernetes.default.svc
  mkdir -p pki
  key ca
  openssl req -x509 -new -key pki/ca.key -days 30 -subj /CN=imagebatch-test-cluster -out pki/ca.crt
  sign apiserver /CN=kube-apiserver \
    "DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:$service,DNS:$service.cluster.local,IP:127.0.0.1,IP:10.96.0.1,IP:$1"
  sign admin /O=system:masters/CN=admin DNS:localhost
  key sa
  openssl ec -in pki/sa.key -pubout -out pki/sa.pub
}

# make_kubeconfig USER SERVER: writes USER.conf
make_kubeconfig() {
  cat >"$1.conf" <<Y
apiVersion: v1
kind: Config
clusters: [{name: imagebatch, cluster: {server: "$2", certificate-authority: "$PWD/pki/ca.crt"}}]
users: [{name: $1, user: {client-certificate: "$PWD/pki/$1.crt", client-key: "$PWD/pki/$1.key"}}]
contexts: [{name: imagebatch, context: {cluster: imagebatch, user: $1}}]
current-context: imagebatch
Y
}
