#!/usr/bin/env bash
# Brings what is derived up to date: the chart's copy of manifests/crd.yaml, and manifests/install.yaml, the chart with
# its default values for those who do not use Helm. A test (chart.*) fails when either is stale.
# Usage: render.sh [DIRECTORY]     default: write the repository; else write both files there
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
chart=$here/../charts/imagebatch
helm=${HELM:-$here/../build/tools/helm}

render_install() {
  cat <<'Y'
# imagebatch with the default values of its chart; written by manifests/render.sh.
# Put your registry before the image's name in the Deployment, then:
#   kubectl apply --server-side -f manifests/install.yaml
apiVersion: v1
kind: Namespace
metadata:
  name: imagebatch-system
  labels: {pod-security.kubernetes.io/enforce: restricted}
Y
  # A version that the chart accepts; nothing in it depends on which.
  "$helm" template imagebatch "$chart" --namespace imagebatch-system --kube-version 1.34 |
    grep -v -e 'helm.sh/' -e 'app.kubernetes.io/managed-by: Helm'
}

if (($# > 0)); then
  cp "$here/crd.yaml" "$1/crd.yaml"
  render_install >"$1/install.yaml"
else
  cp "$here/crd.yaml" "$chart/files/crd.yaml"
  render_install >"$here/install.yaml.new"
  mv "$here/install.yaml.new" "$here/install.yaml"
fi
