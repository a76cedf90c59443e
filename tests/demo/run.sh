#!/usr/bin/env bash
# The demo on the cluster that is up, with the controller's image made from the sources as they are.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$here/../cluster/images.sh" base builder
image=$("$here/../cluster/image.sh")
[[ " $* " != *" --again "* ]] || DEMO=again
exec python3 "$here/${DEMO:-demo}.py" --image "$image" "$@"
