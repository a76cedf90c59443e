#!/usr/bin/env bash
# The cluster as a fixture of ctest, with the controller's image in its registry: left up if it was up before, and
# otherwise ended after the tests, when nothing of it may be left on the machine.
# Usage: fixture.sh up|down
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
readonly before=$cluster.before

# What a cluster could leave, a line each.
machine() {
  find /proc/[0-9]* -maxdepth 1 -name cwd -lname "$cluster*" 2>/dev/null || true
  findmnt --list --noheadings --output TARGET,FSTYPE | sort
  ip -brief link | awk '{print $1}'
  ip route
  iptables-save | sed '/^#/d; s/\[.*//'
  find /sys/fs/cgroup -type d \( -path '*/k8s.io*' -o -path '*/buildkit*' \)
  find /run /var/lib /var/log -maxdepth 1 | sort
}

case ${1-} in
  up)
    if "$here/cluster.sh" status >/dev/null; then rm -f "$before"; else machine >"$before"; fi
    "$here/cluster.sh" up
    "$here/images.sh" base builder
    "$here/image.sh"
    ;;
  down)
    [[ -e $before ]] || exit 0
    touch "$cluster/failed/prometheus"   # a cluster of which a daemon has failed can be ended too
    "$here/cluster.sh" down
    machine | diff "$before" - || die "the cluster left this behind"
    rm "$before"
    ;;
  *) die "usage: fixture.sh up|down" ;;
esac
