#!/usr/bin/env bash
# Every benchmark, each beside a reference from the same run. Usage: run.sh [the demo's options for the batch]
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../cluster/lib.sh"
release=$root/build/release

echo "== the runner's own cost"
python3 "$root/tests/bench/runner_cost.py" "$release/imagebatch-runner"

echo "== Jobs created per second, beside a raw client"
trap '"$here/apiserver.sh" down "$root/build/bench"' EXIT
"$here/apiserver.sh" up "$root/build/bench"
KUBECONFIG=$root/build/bench/admin.conf "$release/create_rate"
trap - EXIT
"$here/apiserver.sh" down "$root/build/bench"

echo "== a real batch: memory, writes, and how fast a hang is told"
"$here/images.sh" base builder
python3 "$root/tests/bench/batch_cost.py" --image "$("$here/image.sh")" "$@"

echo "== 100 Pods, ten of which hang: how fast each is told"
python3 "$root/tests/bench/hang_delay.py"
