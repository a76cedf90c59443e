# The image of the controller and of the runner that it puts into build Pods.
# Both bases can be replaced: the first by any Debian 12 (packages that it has are not fetched again), the second by any
# with glibc, libstdc++, libgcc and OpenSSL 3.
ARG BUILD_BASE=debian:12
ARG RUNTIME_BASE=gcr.io/distroless/cc-debian12

FROM ${BUILD_BASE} AS build
COPY cmake/debian-packages.txt /tmp/packages
RUN xargs dpkg-query --show </tmp/packages >/dev/null 2>&1 || { \
      apt-get update && xargs apt-get install --yes --no-install-recommends </tmp/packages \
      && rm -rf /var/lib/apt/lists/*; }
WORKDIR /src
COPY . .
# Where ccache may look for and leave results beside its own directory; nowhere if it is empty.
ARG CCACHE_REMOTE_STORAGE
RUN --mount=type=cache,target=/root/.cache/ccache \
    cmake --preset release -DBUILD_TESTING=OFF && \
    cmake --build --preset release --parallel "$(nproc)" --target imagebatch imagebatch-runner
# The programs, the libraries they load that the second base lacks, and those libraries' package data, which is where
# scanners for vulnerabilities look.
RUN <<'SH'
set -eu
install --strip -D --target-directory=/out/usr/bin build/release/imagebatch build/release/imagebatch-runner
libraries=/out/usr/lib/$(gcc -print-multiarch) packages=/out/var/lib/dpkg/status.d
mkdir -p "$libraries" "$packages"
for library in $(ldd build/release/imagebatch | awk '$3 ~ "^/" {print $3}'); do
  package=$(dpkg-query --search "*/$(basename "$(realpath "$library")")" | cut -d: -f1)
  case $package in libc6 | libgcc-s1 | libstdc++6 | libssl3) continue ;; esac
  cp --dereference "$library" "$libraries/"
  dpkg-query --status "$package" >"$packages/$package"
done
SH

FROM ${RUNTIME_BASE}
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="imagebatch" \
      org.opencontainers.image.description="Builds batches of container images as Kubernetes Jobs and tells hung builds from slow ones" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /out /
USER 65532:65532
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/imagebatch"]
