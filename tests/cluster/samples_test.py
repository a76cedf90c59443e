#!/usr/bin/env python3
"""The batches of manifests/samples with real builders in real Pods: each in a namespace of its own, all at the same time.

Usage: samples_test.py BINARY [--image IMAGE] [--keep] [NAME...]     IMAGE has the runner; default: what image.sh makes
Needs KUBECONFIG of the cluster, and KUBECTL beside docker-registry. A controller that is installed already is stopped
meanwhile.

Each file is applied with the command of its first line. Only names in it are changed: that of the registry, the host of Git
contexts, and for openhands.yaml the SDK's commit and what is made of it, since no other content has that commit. What differs
from the real thing:
 - The builders' images are look-alikes (images.sh), as are the base images (busybox) and the SDK, whose Dockerfile has the
   upstream's path and stages, and little in them.
 - The registry speaks plain HTTP, which the look-alikes' configuration knows, and lets each login push.
 - The cluster's network does not enforce NetworkPolicies.
"""
import argparse
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import yaml
import doors
from cases_test import Controller, Everywhere, alone, kubectl, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "manifests/samples"
DOCS = ROOT / "docs/registries.md"
SECONDS = 300   # for one batch; never waited for where all is well
LABEL = "imagebatch-sample"
ELSEWHERE = {"first-run": "tests/local", "two-stages": "tests/apiserver/crd_test.py", "any-job": "tests/demo/watched_test.py",
             "any-jobset": "docs alone: needs JobSet", "any-workflow": "docs alone: needs Argo"}
INSTANCES = ["sweb.eval.x86_64.astropy_1776_astropy-12907", "sweb.eval.x86_64.django_1776_django-17087"]
IMAGES = ["base=library/busybox:1.36", "buildkit=moby/buildkit:latest", "buildkit-rootless=moby/buildkit:rootless",
          "buildah=buildah/stable:latest", *("base=swebench/%s:latest" % instance for instance in INSTANCES)]
SDK = "OpenHands/software-agent-sdk.git"
PROJECT = "[project]\n"
SDK_DOCKERFILE = """ARG BASE_IMAGE=docker.io/library/busybox:1.36
FROM docker.io/library/busybox:1.36 AS builder
COPY pyproject.toml /agent-server/
RUN mkdir -p /agent-server/.venv/bin
FROM ${BASE_IMAGE} AS base-image-minimal
RUN mkdir -p /workspace/project
"""
# Two pushes of one layer into one repository at once: Debian's registry (2.8) writes its link in place, and may read it while it
# is empty. The only reason for which a build may need another attempt.
RACE = ["blob unknown to registry", "provided digest did not match"]
# What an image has: of its configuration, and files with their text
HELLO = {"Cmd": ["cat", "/greeting"]}
ENGLISH, FRENCH = (HELLO, {"greeting": "Good morning\n"}), (HELLO, {"greeting": "Bonjour\n"})
AGENT = {"Entrypoint": ["/agent-server/.venv/bin/python", "-m", "openhands.agent_server"]}, {"agent-server/pyproject.toml": PROJECT}
ANY, CACHE = ({}, {}), None


def openhands_names(commit):
    """As the batch that this sample replaces names its images."""
    sha7, hash7 = commit[:7], hashlib.sha256(SDK_DOCKERFILE.encode()).hexdigest()[:7]
    return sha7, hash7, {
        "openhands/eval-builder": {sha7: ANY},
        "openhands/eval-base": {"%s-%s" % (hash7, each): ANY for each in INSTANCES},
        "openhands/eval-agent-server": {"%s-%s-%s-source-minimal" % (sha7, hash7, each): AGENT for each in INSTANCES}}


def expected(commit):
    """Sample -> repository -> tag -> what the image has. Nothing else is pushed."""
    both = {"english": ENGLISH, "french": FRENCH}
    return {
        "buildkit-rootless": {"hello/buildkit-rootless": both},
        "buildkit-privileged": {"hello/buildkit-privileged": {"english": ENGLISH}},
        "buildah": {"hello/buildah": {"english": ENGLISH}},
        "buildkit-shared": {"hello/buildkit-shared": both},
        "private-registry": {"hello/private": both},
        "registry-cache": {"env/flask": {"2.0": ({}, {"version": "2.0\n"})}, "cache/env": {"flask-2.0": CACHE}},
        "openhands": openhands_names(commit)[2]}


class Sample:
    def __init__(self, name, images, directory, names):
        self.name, self.namespace, self.images = name, "sample-" + name, images
        text = (SAMPLES / (name + ".yaml")).read_text(encoding="utf-8")
        for before, after in names.items():
            text = text.replace(before, after)
        first = text.splitlines()[0]
        self.command = re.search(r"kubectl (apply -n builds -f %s\.yaml)$" % name, first).group(1).replace("builds", self.namespace)
        self.directory = directory
        (directory / (name + ".yaml")).write_text(text, encoding="utf-8")
        self.batch = [each for each in yaml.safe_load_all(text) if each["kind"] == "ImageBatch"][0]["metadata"]["name"]
        self.began, self.took = 0, None

    def apply(self):
        words = self.command.split()
        words[-1] = str(self.directory / words[-1])
        kubectl(*words)
        self.began, self.took = time.monotonic(), None

    def read(self):
        return json.loads(kubectl("get", "imagebatch", self.batch, "-n", self.namespace, "-o", "json").stdout)

    def is_complete(self):
        """Raises where it can no longer be."""
        conditions = {each["type"]: each for each in self.read().get("status", {}).get("conditions", [])}
        for bad in ("Failed", "HungBuilds"):
            if conditions.get(bad, {}).get("status") == "True":
                raise AssertionError("%s: %s" % (self.name, conditions[bad]["message"]))
        return conditions.get("Complete", {}).get("status") == "True"

    def results(self):
        records = json.loads(kubectl("get", "imagebatchrecords", "-n", self.namespace, "-o", "json").stdout)["items"]
        return [line for record in records for line in record.get("results", [])]

    def logs(self):
        return kubectl("logs", "-n", self.namespace, "-l", "imagebatch.dev/batch=" + self.batch, "-c", "build", "--tail=-1",
                       check=False).stdout

    def describe(self):
        return "\n".join(kubectl(*words, "-n", self.namespace, check=False).stdout for words in (
            ["get", "pods,imagebatches", "-o", "wide"], ["get", "events"])) + self.logs()[-6000:]

    def check(self):
        """The registry has the images, no others, and they are as they should be."""
        for repository, wanted in self.images.items():
            found = doors.tags(repository)
            assert found.keys() == wanted.keys(), "%s: %s has %s, not %s" % (self.name, repository, list(found), list(wanted))
            for tag, parts in wanted.items():
                if parts is not CACHE:
                    has = doors.configuration(repository, tag)
                    assert all(has.get(key) == value for key, value in parts[0].items()), (self.name, tag, has)
                    files = {path: doors.file_of(repository, tag, path) for path in parts[1]}
                    assert files == parts[1], (self.name, tag, files)
        for line in self.results():
            assert line["status"] != "failed" or any(words in line["error"] for words in RACE), "%s: %s\n%s" % (
                self.name, line["error"], self.describe())

    def delete(self):
        kubectl("delete", "imagebatch", self.batch, "-n", self.namespace, "--wait", "--cascade=foreground")


def secret_commands():
    """Those of the docs."""
    text = DOCS.read_text(encoding="utf-8").replace("\\\n", " ")
    commands = re.findall(r"^kubectl (create secret .*)$", text, re.MULTILINE)
    assert len(commands) == 2, commands
    return [command.replace("registry.example:5000", doors.LOGIN_REGISTRY).split() for command in commands]


def make_namespaces(samples):
    clean_up()
    for sample in samples:
        kubectl("create", "namespace", sample.namespace)
        kubectl("label", "namespace", sample.namespace, LABEL + "=")
        for command in secret_commands():
            kubectl(*[sample.namespace if word == "builds" else word for word in command])


def clean_up():
    kubectl("delete", "pod", "-A", "-l", "imagebatch.dev/batch-uid", "--grace-period=1", "--wait=false")
    kubectl("delete", "namespace", "-l", LABEL, "--wait", "--timeout=120s", timeout=130)


def wait_for_all(samples):
    left = list(samples)
    while left:
        for sample in list(left):
            if sample.is_complete():
                sample.took = time.monotonic() - sample.began
                print("%-22s complete after %d s" % (sample.name, sample.took), flush=True)
                left.remove(sample)
            elif time.monotonic() - sample.began > SECONDS:
                raise AssertionError("%s: not complete after %d s\n%s" % (sample.name, SECONDS, sample.describe()))
        time.sleep(0.3)   # between two looks at all


def check_what_exists_is_skipped(sample):
    """Once more: no build, and the digests are those of the first time."""
    digests = {line["name"]: line["digest"] for line in sample.results()}
    assert digests == doors.tags("hello/private"), (digests, doors.tags("hello/private"))
    sample.delete()
    sample.apply()
    wait_for_all([sample])
    status = sample.read()["status"]
    assert (status["skipped"], status["succeeded"]) == (2, 0), status
    wait_for(lambda: {line["name"]: line["digest"] for line in sample.results()
                      if line["status"] == "skipped_remote_exists"} == digests, "the skipped builds' results", 30)


def check_cache_is_used(sample):
    """Once more: the step that did the work is not done again."""
    assert "CACHED" not in sample.logs()
    sample.delete()
    sample.apply()
    wait_for_all([sample])
    log = sample.logs()
    assert "importing cache manifest" in log and log.count("CACHED") >= 2, log


def check_client_sees_the_work(sample):
    assert '"vertexes"' in sample.logs(), "rawjson\n" + sample.logs()[:2000]


AFTERWARDS = {"private-registry": check_what_exists_is_skipped, "registry-cache": check_cache_is_used,
              "buildkit-shared": check_client_sees_the_work}


def check_that_none_is_missing():
    there = {path.stem for path in SAMPLES.glob("*.yaml")}
    known = set(expected("0" * 40)) | set(ELSEWHERE)
    assert there == known, "samples that no test knows, or that are gone: %s" % (there ^ known)


def run(binary, image, names, keep):
    files = {"openhands-agent-server/openhands/agent_server/docker/Dockerfile": SDK_DOCKERFILE, "pyproject.toml": PROJECT}
    with tempfile.TemporaryDirectory() as directory, doors.login_registry(), doors.git_server({SDK: files}) as (git, commits):
        commit = commits[SDK]
        sha7, hash7, _ = openhands_names(commit)
        wanted = expected(commit)
        pushed = [repository for images in wanted.values() for repository in images]
        doors.remove(pushed)
        replaced = {"registry.example:5000": doors.LOGIN_REGISTRY, "https://github.com/": git}
        samples = [Sample(name, images, pathlib.Path(directory), replaced) for name, images in wanted.items()
                   if not names or name in names]
        for sample in samples:
            if sample.name == "openhands":   # as its comment tells: the commit, its first seven, the Dockerfile's hash
                path = sample.directory / "openhands.yaml"
                variables = {"sdk": commit, "sha7": sha7, "hash7": hash7}
                text = path.read_text(encoding="utf-8")
                for key, value in variables.items():
                    text = re.sub(r"^    %s: \S+" % key, '    %s: "%s"' % (key, value), text, flags=re.MULTILINE)
                path.write_text(text, encoding="utf-8")
        make_namespaces(samples)
        controller = Controller(binary, Everywhere, image, arguments=[
            "--registries=http://" + doors.LOGIN_REGISTRY, "--registry-secrets=sample-private-registry/pull"])
        try:
            controller.wait_until_ready()
            for sample in samples:
                sample.apply()
            wait_for_all(samples)
            for sample in samples:
                sample.check()
                AFTERWARDS.get(sample.name, lambda _: None)(sample)
        except AssertionError:
            print(controller.log()[-3000:])
            raise
        finally:
            controller.clean_up()
            if not keep:
                clean_up()
                doors.remove(pushed)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--image")
    parser.add_argument("--keep", action="store_true", help="leave the namespaces, to look at them")
    parser.add_argument("names", nargs="*")
    options = parser.parse_intermixed_args()
    check_that_none_is_missing()
    here = pathlib.Path(__file__).parent
    image = options.image or subprocess.run([here / "image.sh"], check=True, capture_output=True, text=True).stdout.strip()
    subprocess.run([here / "images.sh", *IMAGES], check=True)
    begin = time.monotonic()
    with alone():
        run(options.binary, image, options.names, options.keep)
    print("all as they should be, after %d s" % (time.monotonic() - begin))


if __name__ == "__main__":
    try:
        main()
    except AssertionError as failure:
        sys.exit("error: %s" % failure)
