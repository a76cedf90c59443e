#!/usr/bin/env bash
# Puts images into the cluster's registry as <registry>/<name>:1, or under another name and tag. They are made from Debian's
# packages and the tools, each once: an archive of it stays in the cache under the hash of what defines it.
# Usage: images.sh NAME[=REPOSITORY:TAG]...
#   pause         holds a Pod's namespaces
#   base          a small user land; stands in for an upstream image that cannot be pulled without a network
#   builder       builds and pushes an image in a Pod, without root: build.sh; has Python too
#   build-base    Debian with what the controller's build needs
#   runtime-base  what gcr.io/distroless/cc-debian12 has
# Look-alikes of upstream images that cannot be pulled without a network, with the same user, paths and entry points. What
# differs: they are Debian and not Alpine or Fedora, the programs are the tools' or Debian's versions, and their configuration
# takes the cluster's registry for a mirror of Docker Hub and speaks plain HTTP with it and with the one that wants a login.
#   buildkit           moby/buildkit
#   buildkit-rootless  moby/buildkit:rootless
#   buildah            quay.io/buildah/stable
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# unpack DIR PACKAGE...: the files of Debian packages and of those they depend on; nothing of them is run.
unpack() {
  local packages
  packages=$(IFS=,; echo "${*:2}")
  mmdebstrap --quiet --variant=extract --include="$packages" --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' bookworm "$1"
}

add_users() {   # DIR: root, an ordinary user who may map 65,536 more, and distroless's nonroot
  mkdir -p "$1/etc" "$1/tmp"
  chmod 1777 "$1/tmp"
  printf '%s\n' root:x:0:0:root:/root:/bin/sh user:x:1000:1000:user:/tmp:/bin/sh \
    nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin >"$1/etc/passwd"
  printf '%s\n' root:x:0: user:x:1000: nonroot:x:65532: >"$1/etc/group"
  echo user:100000:65536 | tee "$1/etc/subuid" >"$1/etc/subgid"
}

# Set-user-ID root they would need CAP_SYS_ADMIN: Debian's open uid_map as uid 0. With a file capability they stay the user,
# and CAP_SETUID is all they need.
allow_id_maps() {   # DIR
  chmod 755 "$1"/usr/bin/new{u,g}idmap
  setcap cap_setuid=ep "$1/usr/bin/newuidmap"
  setcap cap_setgid=ep "$1/usr/bin/newgidmap"
}

add_busybox() {   # DIR
  local applet
  for applet in $("$1/bin/busybox" --list); do
    [[ -e $1/bin/$applet ]] || ln -s busybox "$1/bin/$applet"
  done
  add_users "$1"
}

# Each make_NAME fills DIR and prints the image's configuration.
make_pause() {
  mkdir -p "$1"
  gcc -static -O2 -o "$1/pause" "$here/images/pause/pause.c"
  echo '{"Entrypoint": ["/pause"]}'
}

make_base() {
  unpack "$1" busybox-static
  add_busybox "$1"
  echo '{"Env": ["PATH=/bin"], "Cmd": ["sh"]}'
}

make_builder() {
  unpack "$1" busybox-static uidmap python3-minimal libpython3-stdlib
  add_busybox "$1"
  cp -L "$tools"/{buildkitd,buildctl,runc,rootlesskit} "$here/images/builder/build.sh" "$1/usr/bin/"
  allow_id_maps "$1"
  echo '{"Env": ["PATH=/usr/bin:/bin", "USER=user"], "User": "1000:1000", "Cmd": ["build.sh"]}'
}

# The directory of BuildKit's own module, for the scripts that its image has.
buildkit_module() {
  local go
  go=$("$here/go.sh")
  (cd "$here/tools/buildkit" && "$go" mod download -json github.com/moby/buildkit) | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p'
}

# Both of BuildKit's images, which differ in their configuration alone: a node keeps the layer once.
fill_buildkit() {   # DIR
  local module
  module=$(buildkit_module)
  unpack "$1" busybox-static uidmap git
  rm -rf "$1"/usr/{bin,share,lib/x86_64-linux-gnu}/perl*   # a clone needs none
  add_busybox "$1"
  sed -i 's|:/tmp:|:/home/user:|' "$1/etc/passwd"
  cp -L "$tools"/{buildkitd,buildctl,rootlesskit} "$1/usr/bin/"
  cp -L "$tools/runc" "$1/usr/bin/buildkit-runc"
  install -m 755 "$module"/examples/buildctl-daemonless/buildctl-daemonless.sh \
    "$module"/hack/{buildkitd-entrypoint,with-cgroupfs-remount} "$1/usr/bin/"
  allow_id_maps "$1"
  install -d -o 1000 -g 1000 "$1"/run/user/1000 "$1"/home/user{,/.local{,/tmp,/share{,/buildkit}},/.config{,/buildkit}}
  mkdir -p "$1/etc/buildkit"
  printf '[registry."docker.io"]\n  mirrors = ["%s"]\n[registry."%s"]\n  http = true\n[registry."%s"]\n  http = true\n' \
    "$registry" "$registry" "$login_registry" | tee "$1/etc/buildkit/buildkitd.toml" >"$1/home/user/.config/buildkit/buildkitd.toml"
}

make_buildkit() {
  fill_buildkit "$1"
  echo '{"Env": ["PATH=/usr/bin:/bin", "BUILDKIT_SETUP_CGROUPV2_ROOT=1"], "Entrypoint": ["/usr/bin/buildkitd-entrypoint"],' \
    '"Volumes": {"/var/lib/buildkit": {}}}'
}

make_buildkit-rootless() {
  fill_buildkit "$1"
  echo '{"Env": ["PATH=/usr/bin:/bin", "HOME=/home/user", "USER=user", "XDG_RUNTIME_DIR=/run/user/1000",' \
    '"TMPDIR=/home/user/.local/tmp", "BUILDKIT_HOST=unix:///run/user/1000/buildkit/buildkitd.sock"], "User": "1000:1000",' \
    '"Entrypoint": ["rootlesskit", "buildkitd"], "Volumes": {"/home/user/.local/share/buildkit": {}}}'
}

make_buildah() {
  unpack "$1" busybox-static buildah uidmap git
  add_busybox "$1"
  sed -i 's|^user:.*|build:x:1000:1000::/home/build:/bin/sh|' "$1/etc/passwd"
  sed -i 's|^user:|build:|' "$1/etc/group"
  printf '%s\n' build:1:999 build:1001:64535 | tee "$1/etc/subuid" >"$1/etc/subgid"
  allow_id_maps "$1"
  install -d -o 1000 -g 1000 "$1"/home/build{,/.local{,/share{,/containers}},/.config{,/containers}}
  install -d -m 1777 "$1/var/tmp"
  printf '[[registry]]\nlocation = "docker.io"\n[[registry.mirror]]\nlocation = "%s"\ninsecure = true\n' "$registry" \
    >"$1/etc/containers/registries.conf"
  printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$login_registry" >>"$1/etc/containers/registries.conf"
  echo '{"Env": ["PATH=/usr/bin:/bin", "BUILDAH_ISOLATION=chroot"], "Cmd": ["/bin/sh"],' \
    '"Volumes": {"/var/lib/containers": {}, "/home/build/.local/share/containers": {}}}'
}

make_build-base() {
  mmdebstrap --quiet --variant=apt --include="ca-certificates,$(paste -sd, "$root/cmake/debian-packages.txt")" bookworm "$1"
  echo '{"Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], "Cmd": ["bash"]}'
}

make_runtime-base() {
  unpack "$1" base-files netbase tzdata libc6 libssl3 libgcc-s1 libstdc++6 libgomp1
  add_users "$1"
  echo '{"Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]}'
}

# Files that an image is made from beside what its function names.
inputs() {
  echo "$here/images/oci-archive.py"
  case $1 in
    pause) echo "$here/images/pause/pause.c" ;;
    builder) echo "$here/images/builder/build.sh" ;;
    build-base) echo "$root/cmake/debian-packages.txt" ;;
  esac
}

definition() {
  {
    declare -f "make_$1" unpack add_users add_busybox allow_id_maps
    inputs "$1" | xargs cat
    [[ $1 != build@(er|kit*) ]] || readlink "$tools"/{buildkitd,runc,rootlesskit}
    [[ $1 != build@(kit*|ah) ]] || { declare -f fill_buildkit && echo "$registry $login_registry"; }
  } | sha256sum | cut -c1-12
}

make() {   # NAME ARCHIVE
  local dir config
  dir=$(mktemp -d "$cache/images/$1.XXXX")
  config=$("make_$1" "$dir/root" | tail -n 1)
  chmod 755 "$dir/root"
  "$here/images/oci-archive.py" "$dir/root" "$config" "$dir/archive"
  mv "$dir/archive" "$2"
  rm -rf "$dir"
}

need_root "making images"
mkdir -p "$cache/images"
for image in "$@"; do
  name=${image%%=*} reference=$registry/${image#*=}
  [[ $image == *=* ]] || reference+=:1
  declare -F "make_$name" >/dev/null || die "no such image: $name"
  archive=$cache/images/$name-$(definition "$name").tar
  (
    flock 9
    [[ -e $archive ]] || step "make the image $name" make "$name" "$archive"
  ) 9>"$cache/images/$name.lock"
  "$here/images/push.py" "$archive" "$reference"
done
