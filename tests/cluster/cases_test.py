#!/usr/bin/env python3
"""Batches with real Pods: each file of cases/ in a namespace of its own, all at the same time.

Usage: cases_test.py BINARY [--image IMAGE] [NAME...]     IMAGE has the runner; default: what image.sh makes
Needs KUBECONFIG of the cluster, and KUBECTL where kubectl is not in the PATH. Leaves nothing behind. A controller that
is installed already is stopped meanwhile. How a case is written is said in cases/README.md.
"""
import argparse
import contextlib
import json
import pathlib
import subprocess
import sys
import time

import yaml

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "apiserver" / "controller"))
from cluster import KUBECTL, Api, Controller, alone, wait_for  # noqa: E402

STEP_SECONDS = 400   # of one step of a case: long enough for a busy machine, and never waited for where all is well
CLEAN_UP_SECONDS = 400   # some fifty namespaces and what is in them
LABEL = "imagebatch-case"


def kubectl(*arguments, stdin=None, check=True, timeout=120):
    done = subprocess.run([KUBECTL, *arguments], input=stdin, capture_output=True, text=True, timeout=timeout, check=False)
    if check and done.returncode != 0:
        raise AssertionError("kubectl %s: %s" % (" ".join(arguments), done.stderr.strip()))
    return done


def matches(pattern, actual):
    """A part of an object: all that stands in the pattern stands in the object. "~x": a text that has x in it. A list:
    each of its items matches one of the object's. Null and 0: also where there is nothing."""
    if isinstance(pattern, dict):
        return all(matches(value, (actual or {}).get(key)) for key, value in pattern.items())
    if isinstance(pattern, list):
        return all(any(matches(item, other) for other in actual or []) for item in pattern)
    if isinstance(pattern, str) and pattern.startswith("~"):
        return pattern[1:] in (actual or "")
    return pattern == actual or (pattern == 0 and actual is None)


class World:
    """What the API server has, of all namespaces, read anew in each round."""

    PATHS = {"batches": "/apis/imagebatch.dev/v1alpha1/imagebatches", "jobs": "/apis/batch/v1/jobs", "pods": "/api/v1/pods",
             "events": "/api/v1/events?fieldSelector=involvedObject.kind%3DImageBatch",
             "results": "/apis/imagebatch.dev/v1alpha1/imagebatchrecords"}

    def __init__(self):
        self._api = Api()
        self._items = {}

    def look(self):
        for kind, path in self.PATHS.items():
            status, reply = self._api.send("GET", path)
            if status == 200:
                by_namespace = {}
                for item in reply["items"]:
                    by_namespace.setdefault(item["metadata"]["namespace"], []).append(item)
                self._items[kind] = by_namespace

    def of(self, kind, namespace):
        return self._items.get(kind, {}).get(namespace, [])

    def results(self, namespace):
        return [result for record in self.of("results", namespace) for result in record.get("results", [])]


def is_running(pod):
    """Its build's container runs; what else there is in the Pod does no work for the build."""
    name = pod["metadata"].get("annotations", {}).get("kubectl.kubernetes.io/default-container")
    return any(status["name"] == name and "running" in status["state"]
               for status in pod.get("status", {}).get("containerStatuses", []))


def twins(pods):
    """Builds of which two Pods run at once."""
    running = {}
    for pod in filter(is_running, pods):
        labels = pod["metadata"]["labels"]
        build = labels.get("imagebatch.dev/batch-uid"), labels.get("imagebatch.dev/build")
        running.setdefault(build, []).append(pod["metadata"]["name"])
    return [names for names in running.values() if len(names) > 1]


class Case:
    def __init__(self, path, world):
        documents = [d for d in yaml.safe_load_all(path.read_text(encoding="utf-8")) if d]
        (script,) = [d for d in documents if "kind" not in d]
        self.name, self.namespace = path.stem, "case-" + path.stem
        *self.before, self.batch = [d for d in documents if "kind" in d]
        self.script, self.steps, self.step = script, script["steps"], 0
        self.refused = self.steps[0].get("refused")
        self.trouble, self.took, self._refusal = None, None, ""
        self._world, self._begin = world, time.monotonic()
        self._since = self._begin
        for item in (*self.before, self.batch):
            item["metadata"].setdefault("labels", {})[LABEL] = ""
            if not item["kind"].startswith("ValidatingAdmissionPolicy"):
                item["metadata"]["namespace"] = self.namespace

    def create_namespace(self):
        return {"apiVersion": "v1", "kind": "Namespace",
                "metadata": {"name": self.namespace, "labels": {LABEL: "", **self.script.get("namespace", {})}}}

    def wait_for_what_is_there_before(self):
        """Quotas count from a moment on, and policies hold from a moment on."""
        if any(item["kind"] == "ResourceQuota" for item in self.before):
            kubectl("wait", "-n", self.namespace, "resourcequota", "--all", "--for=jsonpath={.status.hard}", "--timeout=60s")
        if "forbidden" in self.script:
            wait_for(lambda: kubectl("-n", self.namespace, *self.script["forbidden"], check=False).returncode != 0,
                     "a policy that forbids " + " ".join(self.script["forbidden"]), 60)

    def expect_refusal(self):
        done = kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(self.batch), check=False)
        if done.returncode == 0:
            return self.fail("is not refused")
        if self.refused not in " ".join(done.stderr.split()):
            return self.fail("refused with other words: " + done.stderr.strip())
        return self.advance()

    def begin(self):
        self._begin = self._since = time.monotonic()

    def done(self):
        return self.trouble is not None or self.step == len(self.steps)

    def fail(self, trouble):
        self.trouble = trouble

    def advance(self):
        self.step += 1
        self._since = time.monotonic()
        if self.done():
            self.took = time.monotonic() - self._begin

    def look(self):
        """Goes on as far as it can."""
        pairs = twins(self._world.of("pods", self.namespace))
        if pairs:
            return self.fail("two Pods of one build run at once: %s" % pairs)
        while not self.done() and self.holds(self.steps[self.step]):
            acted = self.steps[self.step].keys() & {"kubectl", "apply"}
            self.advance()
            if acted:
                return None   # what was seen is from before
        if not self.done() and time.monotonic() - self._since > STEP_SECONDS:
            self.fail("after %d s there still is not: %s %s\n%s" % (
                STEP_SECONDS, json.dumps(self.steps[self.step]), self._refusal, self.describe()))
        return None

    def holds(self, step):
        ((kind, wanted),) = step.items()
        if kind in ("batch", "job", "pod", "event"):
            found = self._world.of({"batch": "batches"}.get(kind, kind + "s"), self.namespace)
            return any(matches(wanted, item) for item in found)
        if kind == "no-event":
            return not any(matches(wanted, item) for item in self._world.of("events", self.namespace))
        if kind == "result":
            return any(matches(wanted, line) for line in self._world.results(self.namespace))
        if kind == "kubectl":
            return self.call([self.fill(word) for word in wanted])
        if kind == "apply":   # the batch once more
            return kubectl("apply", "--server-side", "-n", self.namespace, "-f", "-",
                           stdin=json.dumps(self.batch)).returncode == 0
        raise ValueError("%s: no such step: %s" % (self.name, kind))

    def call(self, words):
        """Once it can be called and is done: the object may not be there yet, or be no longer what was seen."""
        if None in words:
            return False
        done = kubectl("-n", self.namespace, *words, check=False)
        self._refusal = done.stderr.strip()
        return done.returncode == 0

    def fill(self, word):
        """JOB stands for the newest of its Jobs, POD for the newest of its Pods, of those that are not being deleted."""
        if word not in ("JOB", "POD"):
            return word
        there = [item["metadata"] for item in self._world.of(word.lower() + "s", self.namespace)
                 if "deletionTimestamp" not in item["metadata"]]
        return max(there, key=lambda metadata: metadata["creationTimestamp"])["name"] if there else None

    def describe(self):
        status = [item.get("status") for item in self._world.of("batches", self.namespace)]
        pods = [(p["metadata"]["name"], p.get("status", {}).get("phase"), p.get("status", {}).get("containerStatuses"))
                for p in self._world.of("pods", self.namespace)]
        events = [(e["reason"], e["message"]) for e in self._world.of("events", self.namespace)]
        return "\n".join(json.dumps(x) for x in (status, pods, events, self._world.results(self.namespace)))


class Everywhere:
    name = ""   # for Controller: all namespaces


@contextlib.contextmanager
def controller(binary, image):
    running = Controller(binary, Everywhere, image)
    try:
        running.wait_until_ready()
        yield running
    finally:
        running.clean_up()


def apply(items):
    kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))


def clean_up():
    """A Pod of these cases may take its time to end, if it is let."""
    kubectl("delete", "pod", "-A", "-l", "imagebatch.dev/batch-uid", "--grace-period=1", "--wait=false")
    kubectl("delete", "namespace", "-l", LABEL, "--wait", "--timeout=%ds" % CLEAN_UP_SECONDS, timeout=CLEAN_UP_SECONDS + 10)
    kubectl("delete", "validatingadmissionpolicy,validatingadmissionpolicybinding", "-l", LABEL)


@contextlib.contextmanager
def namespaces(cases):
    clean_up()   # what a run that was killed left
    apply([case.create_namespace() for case in cases])
    try:
        api = Api()
        for case in cases:
            path = "/api/v1/namespaces/%s/serviceaccounts/default" % case.namespace
            wait_for(lambda path=path: api.send("GET", path)[0] == 200, "a ServiceAccount in " + case.namespace, 60)
        before = [item for case in cases for item in case.before]
        if before:
            apply(before)
        for case in cases:
            case.wait_for_what_is_there_before()
        yield
    finally:
        clean_up()


def run(cases, world):
    for case in cases:
        if case.refused:
            case.expect_refusal()
    good = [case for case in cases if not case.done()]
    if good:
        apply([case.batch for case in good])
    for case in good:
        case.begin()
    told = set()
    while True:
        world.look()
        for case in cases:
            if not case.done():
                case.look()
            if case.done() and case.name not in told:
                told.add(case.name)
                print("%-30s %s" % (case.name, case.trouble or "as it should, after %d s" % case.took), flush=True)
        if all(case.done() for case in cases):
            return
        time.sleep(0.3)   # between two looks at everything


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--image")
    parser.add_argument("--keep", action="store_true", help="leave the namespaces, to look at them")
    parser.add_argument("names", nargs="*")
    options = parser.parse_intermixed_args()
    world = World()
    paths = sorted((HERE / "cases").glob("*.yaml"))
    cases = [Case(path, world) for path in paths if not options.names or path.stem in options.names]
    if not cases:
        sys.exit("there is no such case")
    image = options.image or subprocess.run([HERE / "image.sh"], check=True, capture_output=True, text=True).stdout.strip()
    begin = time.monotonic()
    with alone(), namespaces(cases), controller(options.binary, image) as running:
        run(cases, world)
        failed = [case.name for case in cases if case.trouble]
        if failed:
            print(running.log()[-6000:])
        if options.keep:
            input("the namespaces are there until you press Enter ")
    print("%d cases in %d s" % (len(cases), time.monotonic() - begin))
    if failed:
        sys.exit("not as they should be: " + ", ".join(failed))


if __name__ == "__main__":
    main()
