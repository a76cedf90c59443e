#!/usr/bin/env python3
"""Packs a directory into an OCI image of one layer: owners, modes and file capabilities as they are, times cleared.

Usage: oci-archive.py DIRECTORY CONFIG ARCHIVE
CONFIG is the image's configuration as JSON ({"Cmd": [...], "Env": [...], "User": "..."}).
"""
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import zlib

directory, config, archive = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]


def pack_layer(out):
    """Writes the gzipped layer to out; returns the digest of the layer before compression."""
    command = ["tar", "--create", "--sort=name", "--mtime=@0", "--numeric-owner", "--xattrs",
               "--xattrs-include=security.capability", "--directory", directory, "."]
    digest, gzip = hashlib.sha256(), zlib.compressobj(level=1, wbits=31)
    with subprocess.Popen(command, stdout=subprocess.PIPE) as tar:
        while block := tar.stdout.read(1 << 20):
            digest.update(block)
            out.write(gzip.compress(block))
        out.write(gzip.flush())
    if tar.returncode:
        sys.exit("tar failed")
    return "sha256:" + digest.hexdigest()


class Layout:
    """An OCI image layout written as a tar archive."""

    def __init__(self, tar):
        self.tar = tar

    def add(self, name, data):
        info = tarfile.TarInfo(name)
        info.size = len(data)
        self.tar.addfile(info, io.BytesIO(data))

    def add_blob(self, media_type, data):
        digest = hashlib.sha256(data).hexdigest()
        self.add("blobs/sha256/" + digest, data)
        return {"mediaType": "application/vnd.oci.image." + media_type, "digest": "sha256:" + digest, "size": len(data)}

    def add_json(self, media_type, value):
        return self.add_blob(media_type, json.dumps(value).encode())


layer = io.BytesIO()
diff_id = pack_layer(layer)
with tarfile.open(archive, "w") as tar:
    layout = Layout(tar)
    manifest = layout.add_json("manifest.v1+json", {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": layout.add_json("config.v1+json", {
            "architecture": "amd64", "os": "linux", "config": config,
            "rootfs": {"type": "layers", "diff_ids": [diff_id]}}),
        "layers": [layout.add_blob("layer.v1.tar+gzip", layer.getvalue())]})
    layout.add("index.json", json.dumps({"schemaVersion": 2, "manifests": [manifest]}).encode())
    layout.add("oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
