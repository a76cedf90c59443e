#!/usr/bin/env python3
"""Pushes the image of an OCI archive to a registry that speaks plain HTTP; what is there already is not sent again.

Usage: push.py ARCHIVE HOST:PORT/NAME:TAG
"""
import http.client
import json
import sys
import tarfile

archive, reference = sys.argv[1:]
host, _, repository = reference.partition("/")
name, _, tag = repository.rpartition(":")
connection = http.client.HTTPConnection(host, timeout=60)


def request(method, url, body=None, headers=None, expect=()):
    connection.request(method, url, body, headers or {})
    response = connection.getresponse()
    text = response.read()
    if expect and response.status not in expect:
        sys.exit(f"{method} {url}: {response.status} {text[:300]!r}")
    return response


def push_blob(tar, digest):
    if request("HEAD", f"/v2/{name}/blobs/{digest}").status == 200:
        return
    location = request("POST", f"/v2/{name}/blobs/uploads/", expect=(202,)).getheader("Location")
    member = tar.getmember("blobs/" + digest.replace(":", "/"))
    separator = "&" if "?" in location else "?"
    request("PUT", f"{location}{separator}digest={digest}", tar.extractfile(member),
            {"Content-Type": "application/octet-stream", "Content-Length": str(member.size)}, expect=(201,))


with tarfile.open(archive) as tar:
    entry = json.load(tar.extractfile("index.json"))["manifests"][0]
    manifest = tar.extractfile("blobs/" + entry["digest"].replace(":", "/")).read()
    image = json.loads(manifest)
    for blob in [image["config"], *image["layers"]]:
        push_blob(tar, blob["digest"])
    request("PUT", f"/v2/{name}/manifests/{tag}", manifest, {"Content-Type": image["mediaType"]}, expect=(201,))
