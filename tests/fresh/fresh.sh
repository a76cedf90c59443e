#!/usr/bin/env bash
# The demo on a machine that has nothing: in a bare Debian 12 root, in mount and PID namespaces of its own, with nothing of
# this machine's /usr, /etc and /var. What comes along is the project as it is in the working tree, the caches of downloads
# and compilers, and what leads to the package sources: proxies, certificates, name servers. Tools and images are made anew.
# This tree's cluster is ended first, since the addresses are the same. Nothing is left behind, even after a kill -9.
# Usage: fresh.sh [COMMAND...]     to be run in the project's directory there; the demo with 6 images where none is given
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../cluster/lib.sh"

readonly fresh=$cache/fresh                       # what is kept: the archive of the root, downloaded packages
readonly bare=$fresh/root                         # the root, as long as it is used
readonly project=/root/imagebatch home_cache=/root/.cache
(($# > 0)) || set -- ./dev demo --images 6 --timeout 300

make_root_archive() {   # ARCHIVE
  mmdebstrap --quiet --variant=minbase bookworm "$fresh/partial.tar"
  mv "$fresh/partial.tar" "$1"
}

# Where the sources of packages are reached through something.
write_package_sources() {
  apt-config dump | grep -E '^Acquire::(https?::Proxy|Check-(Valid-Until|Date)) ' >"$bare/etc/apt/apt.conf.d/99sources" || true
  cp /etc/resolv.conf "$bare/etc/resolv.conf"
  [[ ! -e /etc/ssl/certs/ca-certificates.crt ]] || cp /etc/ssl/certs/ca-certificates.crt "$bare/root/certificates.pem"
}

# NAME=VALUE for each variable of the environment there.
environment() {
  local name value
  printf '%s\n' HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  [[ ! -e $bare/root/certificates.pem ]] || echo SSL_CERT_FILE=/root/certificates.pem
  for name in {http,https,no}_proxy {HTTP,HTTPS,NO}_PROXY; do
    [[ ! -v $name ]] || echo "$name=${!name}"
  done
  for name in GOPROXY GOSUMDB GONOSUMDB GONOPROXY GOPRIVATE GOINSECURE; do
    value=$("$go" env "$name")
    [[ -z $value ]] || echo "$name=$value"
  done
}

# FROM TO for each directory that comes along; all of them are caches, and may be written.
caches() {
  printf '%s %s\n' "$("$go" env GOMODCACHE)" /root/go/pkg/mod \
    "$("$go" env GOCACHE)" "$home_cache/go-build" \
    "$cache/gomod" "$home_cache/imagebatch/gomod" \
    "$cache/ccache" "$home_cache/imagebatch/ccache" \
    "$fresh/debs" /var/cache/apt/archives
}

make_root() {
  mkdir -p "$bare"
  tar -C "$bare" -xf "$1"
  write_package_sources
  echo 'force-unsafe-io' >"$bare/etc/dpkg/dpkg.cfg.d/fast"
  environment >"$bare/root/environment"
  caches >"$bare/root/caches"
  mkdir -p "$bare$project"
  tar -C "$root" --exclude=./build --exclude=./.git -c . | tar -C "$bare$project" -x
}

# Runs in a session of its own and ends the work of whoever holds the other end of its input, once that one is gone.
remove_root_afterwards() {
  # shellcheck disable=SC2016  # for the inner shell
  exec 7> >(exec setsid --fork bash -c 'cat >/dev/null
    for _ in {1..300}; do rm -rf --one-file-system "$1" 2>/dev/null && break; sleep 0.2; done
    find /sys/fs/cgroup{,/*}/{k8s.io,buildkit} -depth -type d -exec rmdir {} \; 2>/dev/null' - "$bare" >/dev/null 2>&1)   # and holds the lock meanwhile
}

# What of a run could be found on the machine, a line each.
left_behind() {
  find "$bare" -maxdepth 0 2>/dev/null || true
  processes_in "$bare"
  findmnt --list --noheadings --output TARGET | grep -F "$fresh" || true
  ip -brief link show | grep -w imagebatch0 || true
  find /sys/fs/cgroup -type d \( -path '*/k8s.io*' -o -path '*/buildkit*' \)
}

nothing_is_left() { [[ -z $(left_behind) ]]; }

need_root "a root of its own"
packages mmdebstrap util-linux iproute2
mkdir -p "$fresh"/debs/partial "$cache"/{gomod,ccache}
exec 8>"$fresh/lock"
flock 8
go=$("$here/go.sh")
mkdir -p "$("$go" env GOMODCACHE)" "$("$go" env GOCACHE)"
"$here/cluster.sh" down
remove_cgroups   # of a cluster or an image's build that was killed
nothing_is_left || die "in the way: $(left_behind)"
archive=$fresh/root.tar
find "$fresh" -maxdepth 1 -name '*.tar' -mtime +7 -delete   # of a root that is older every package would be fetched twice
[[ -e $archive ]] || step "make a bare Debian 12" make_root_archive "$archive"
remove_root_afterwards
step "unpack a bare Debian 12" make_root "$archive"
# Without a terminal, as in CI. The end of this script is the end of all of it.
rc=0
setpriv --pdeathsig KILL setsid --wait unshare --mount --propagation private --pid --fork --kill-child \
  "${BASH_SOURCE[0]%/*}/inside.sh" "$bare" "$project" "$@" </dev/null 2>&1 7>&- 8>&- | cat 7>&- 8>&- || rc=$?
exec 7>&-
wait_for 300 "the end of what was left behind" nothing_is_left
((rc == 0)) || die "failed on a bare Debian 12 (exit $rc): $*"
