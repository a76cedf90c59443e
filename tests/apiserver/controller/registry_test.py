#!/usr/bin/env python3
"""existing: Skip, with the controller's binary, a real API server and a real registry that wants a login.

Usage: registry_test.py BINARY [ARGUMENT OF unittest...]
Needs KUBECONFIG of the fixture, KUBECTL where kubectl is not in the PATH, and DOCKER_REGISTRY.
"""
import base64
import hashlib
import http.client
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import unittest

from case import BINARY, ControllerCase
from cluster import Controller, stage, wait_for

LOGIN = base64.b64encode(b"builder:s3cret pass").decode()
PASSWORDS = "builder:$2y$05$abcdefghijklmnopqrstuu1qdcFaS0PtqFUPzaCxLQ8/0lspH0ZEW\n"  # the same, as htpasswd writes it
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Registry:
    """Debian's docker-registry on a free port, with one login."""

    def __init__(self):
        self._directory = tempfile.TemporaryDirectory()
        path = pathlib.Path(self._directory.name)
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self._port = one.getsockname()[1]
        self.host = "127.0.0.1:%d" % self._port
        (path / "passwords").write_text(PASSWORDS)
        (path / "config.yaml").write_text(json.dumps({
            "version": 0.1, "log": {"level": "info", "accesslog": {"disabled": False}}, "http": {"addr": self.host},
            "storage": {"filesystem": {"rootdirectory": str(path / "data")}},
            "auth": {"htpasswd": {"realm": "r", "path": str(path / "passwords")}}}))
        self._log = path / "log"
        self._process = None
        self.start()

    def start(self):
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen([os.environ["DOCKER_REGISTRY"], "serve", str(self._log.parent / "config.yaml")],
                                             stdout=log, stderr=log)
        wait_for(self._answers, "the registry")

    def stop(self):
        self._process.kill()
        self._process.wait()

    def clean_up(self):
        self.stop()
        self._directory.cleanup()

    def _answers(self):
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", self._port)) == 0

    def asked(self, image):
        """How often the manifest of host/repository:tag was asked for with the login."""
        repository, tag = image.removeprefix(self.host + "/").rsplit(":", 1)
        line = '"HEAD /v2/%s/manifests/%s HTTP/1.1"' % (repository, tag)
        return sum(line in each and (" 200 " in each or " 404 " in each) for each in self._log.read_text().splitlines())

    def _send(self, method, path, body=None, kind="application/octet-stream"):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request(method, path, body, {"Authorization": "Basic " + LOGIN, "Content-Type": kind})
            response = connection.getresponse()
            text = response.read()
            assert response.status // 100 == 2, (method, path, response.status, text)
            return response.getheader("Location")
        finally:
            connection.close()

    def push(self, image):
        """An image of one layer; its digest."""
        repository, tag = image.removeprefix(self.host + "/").rsplit(":", 1)
        blob = image.encode()
        digest = "sha256:" + hashlib.sha256(blob).hexdigest()
        place = self._send("POST", "/v2/%s/blobs/uploads/" % repository)
        place = place[place.index("/v2/"):]
        self._send("PUT", place + ("&" if "?" in place else "?") + "digest=" + digest, blob)
        part = {"digest": digest, "size": len(blob)}
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **part},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", **part}]}).encode()
        self._send("PUT", "/v2/%s/manifests/%s" % (repository, tag), manifest, MANIFEST)
        return "sha256:" + hashlib.sha256(manifest).hexdigest()


class RegistryTest(ControllerCase):
    def start_controller(self):
        self.registry = Registry()
        self.addCleanup(self.registry.clean_up)
        config = json.dumps({"auths": {self.registry.host: {"auth": LOGIN}}}).encode()
        self.ns.api.good("POST", self.ns.core + "secrets", {
            "metadata": {"name": "pull"}, "type": "kubernetes.io/dockerconfigjson",
            "data": {".dockerconfigjson": base64.b64encode(config).decode()}})
        return Controller(BINARY, self.ns, arguments=["--registries=http://" + self.registry.host,
                                                      "--registry-secrets=%s/pull" % self.ns.name])

    def images(self, rows):
        return ["%s/team/image:%s" % (self.registry.host, row) for row in rows]

    def create(self, name, rows, **spec):
        self.ns.create_batch(name, images={"rows": [{"name": row} for row in rows]}, existing="Skip", backoffLimit=0,
                             stages=[stage(image=self.registry.host + "/team/image:$(name)")], **spec)

    def results(self):
        records = self.ns.api.good("GET", self.ns.records)["items"]
        return {line["name"]: line for record in records for line in record.get("results", [])}

    def job_of(self, row):
        (job,) = [job for job in self.ns.active_jobs() if job["metadata"]["annotations"]["imagebatch.dev/name"] == row]
        return job["metadata"]["name"]

    def test_what_is_there_is_skipped_across_a_kill(self):
        there, new = ["there%d" % i for i in range(6)], ["new0", "new1"]
        digests = {row: self.registry.push(image) for row, image in zip(there, self.images(there))}
        self.create("again", there + new)
        self.wait_for_jobs(2)
        self.wait_for_builds("again", "image", "skipped", 6)
        self.wait(lambda: len(self.results()) == 6, "six results")
        for row, digest in digests.items():
            line = self.results()[row]
            self.assertEqual((line["status"], line["digest"]), ("skipped_remote_exists", digest))
        asked = [self.registry.asked(image) for image in self.images(there + new)]
        self.assertEqual(asked, [1] * 8)

        self.controller.restart()
        self.wait_for_builds("again", "image", "skipped", 6)
        self.assertEqual(len(self.ns.list_jobs()), 2)
        asked = [self.registry.asked(image) for image in self.images(there + new)]
        self.assertEqual(asked, [1] * 8, "a restarted controller knows what it has asked")

        pushed = self.registry.push(self.images(new)[0])
        self.ns.end_job(self.job_of("new0"))
        self.wait_for_builds("again", "image", "succeeded", 1)
        self.ns.end_job(self.job_of("new1"))
        failed = self.wait(lambda: self.ns.has("again", "Failed", "BuildsFailed"), "a failed batch")
        self.assertIn("1 of 8 builds succeeded, 6 were skipped, 1 failed", failed["message"])
        self.assertEqual(self.results()["new0"]["digest"], pushed)
        self.assertEqual(self.results()["new1"]["reason"], "ImageNotPushed")
        self.assertNotIn("s3cret", self.controller.log())
        self.assertNotIn(LOGIN, self.controller.log())

    def test_a_registry_that_is_down_holds_the_batch_and_no_other(self):
        self.registry.stop()
        self.create("held", ["a"])
        self.ns.create_batch("other")
        self.wait_for_jobs(1)
        degraded = self.wait(lambda: self.ns.has("held", "Degraded", "ImagesNotChecked"), "a degraded batch", 150)
        self.assertIn(self.registry.host, degraded["message"])
        self.wait(lambda: self.ns.events("held", "ImagesNotChecked"), "an Event")
        self.assertEqual(len(self.ns.list_jobs()), 1, "it is not known whether the image is there")
        self.registry.start()
        self.registry.push(self.images(["a"])[0])
        self.wait(lambda: self.ns.has("held", "Complete"), "the end", 200)
        self.assertEqual(self.ns.status("held")["skipped"], 1)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
