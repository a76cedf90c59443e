#!/usr/bin/env python3
"""The chart's MutatingAdmissionPolicy on a real API server: what it makes of a labelled Pod is what docs/any-job.md and the
sample tell people to write, and what it must leave alone it leaves alone.

Needs KUBECONFIG, KUBECTL where kubectl is not in the PATH, and HELM.
"""
import copy
import json
import os
import pathlib
import subprocess
import sys
import unittest

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "controller"))
from cluster import KUBECTL, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
HELM = os.environ.get("HELM", str(ROOT / "build/tools/helm"))
IMAGE = "registry.example:5000/imagebatch:0.1.0"
RUNNER = "/imagebatch/imagebatch-runner"


def call(*command, stdin=None, check=True):
    done = subprocess.run([str(word) for word in command], input=stdin, capture_output=True, text=True, timeout=60, check=False)
    if check and done.returncode != 0:
        raise AssertionError(" ".join(map(str, command)) + ": " + done.stderr)
    return done.stdout


def policy(*values):
    return call(HELM, "template", "imagebatch", ROOT / "charts/imagebatch", "--namespace", "default", "--kube-version", "1.34",
                "--api-versions", "admissionregistration.k8s.io/v1beta1/MutatingAdmissionPolicy",
                "--show-only", "templates/watch-policy.yaml", "--set", "watch.mutatingAdmissionPolicy.enabled=true",
                "--set", "image.registry=registry.example:5000", *values)


def container(**fields):
    return {"name": "main", "image": "i", "command": ["make", "$(TARGET)"], **fields}


def pod(*containers, metadata=None, **spec):
    """A labelled Pod."""
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "p", "namespace": "default", "labels": {"imagebatch.dev/watch": "true"}, **(metadata or {})},
            "spec": {"containers": list(containers) or [container()], **spec}}


def created(item):
    """What would be stored of it."""
    return json.loads(call(KUBECTL, "create", "--dry-run=server", "-o", "json", "-f", "-", stdin=json.dumps(item)))


def is_wrapped(item):
    return any(each["command"][0] == RUNNER for each in item["spec"]["containers"] if "command" in each)


def by_name(items, name):
    found, = [each for each in items if each["name"] == name]
    return found


class AloneTest(unittest.TestCase):
    """The sample of docs/runner.md, which needs no policy."""

    def test_the_job_is_valid(self):
        job = yaml.safe_load((ROOT / "manifests/samples/runner/job.yaml").read_text(encoding="utf-8"))
        job["metadata"]["namespace"] = "default"
        stored = json.loads(call(KUBECTL, "create", "--dry-run=server", "--validate=strict", "-o", "json", "-f", "-",
                                 stdin=json.dumps(job)))["spec"]
        self.assertEqual(stored["template"]["spec"]["containers"][0]["command"],
                         job["spec"]["template"]["spec"]["containers"][0]["command"])
        self.assertEqual(stored["podFailurePolicy"]["rules"][0]["onExitCodes"]["values"], [124])


class PolicyCase(unittest.TestCase):
    values = ()

    @classmethod
    def setUpClass(cls):
        rendered = policy(*cls.values)
        call(KUBECTL, "apply", "--server-side", "--force-conflicts", "-f", "-", stdin=rendered)
        cls.addClassCleanup(cls.delete, rendered)
        wait_for(lambda: is_wrapped(created(pod())), "a policy that is in force", 60)

    @staticmethod
    def delete(rendered):
        """The API server believes in a policy for a moment after it is gone."""
        call(KUBECTL, "delete", "-f", "-", stdin=rendered)
        wait_for(lambda: not is_wrapped(created(pod())), "a policy that is no more in force", 60)


class WrapTest(PolicyCase):
    def test_it_makes_what_the_sample_shows(self):
        template = yaml.safe_load((ROOT / "manifests/samples/any-job.yaml").read_text(encoding="utf-8"))["spec"]["template"]
        by_hand = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "default", **template["metadata"]},
                   "spec": template["spec"]}
        plain = copy.deepcopy(by_hand)
        main = plain["spec"]["containers"][0]
        main["command"] = main["command"][main["command"].index("--") + 1:]
        for field in ("env", "volumeMounts", "readinessProbe"):
            del main[field]
        del plain["spec"]["initContainers"], plain["spec"]["volumes"]
        wrapped, expected = created(plain)["spec"], created(by_hand)["spec"]
        self.assertEqual(wrapped["containers"][0]["command"], [RUNNER, "--listen=:9911", "--grace=28s", "--", "make", "all"])
        wrapped["containers"][0]["command"] = expected["containers"][0]["command"]   # the sample has limits of its own
        self.assertEqual(wrapped, expected)

    def test_what_is_there_stays(self):
        made = created(pod(
            container(env=[{"name": "TARGET", "value": "all"}], args=["x"], volumeMounts=[{"name": "v", "mountPath": "/v"}]),
            volumes=[{"name": "v", "emptyDir": {}}], initContainers=[{"name": "first", "image": "f"}],
            terminationGracePeriodSeconds=100))["spec"]
        main = made["containers"][0]
        self.assertEqual(main["command"], [RUNNER, "--listen=:9911", "--grace=98s", "--", "make", "$(TARGET)"])
        self.assertEqual(main["args"], ["x"])
        self.assertEqual([each["name"] for each in main["env"]], ["TARGET", "IMAGEBATCH_MARKER"])
        self.assertEqual([each["name"] for each in main["volumeMounts"]], ["v", "imagebatch-runner"])
        self.assertEqual([each["name"] for each in made["volumes"]], ["v", "imagebatch-runner"])
        self.assertEqual([each["name"] for each in made["initContainers"]], ["imagebatch-runner", "first"])

    def test_the_init_container_costs_the_pod_nothing_and_is_never_root(self):
        resources = {"requests": {"cpu": "1", "memory": "1Gi", "x.example/gpu": "1"}, "limits": {"memory": "2Gi", "x.example/gpu": "1"}}
        made = created(pod(container(resources=resources), securityContext={"runAsUser": 0}))["spec"]
        init = made["initContainers"][0]
        self.assertEqual(init["resources"], {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "2Gi"}})
        self.assertEqual((init["securityContext"]["runAsUser"], init["securityContext"]["runAsGroup"]), (65532, 65532))
        self.assertEqual((init["image"], init["imagePullPolicy"]), (IMAGE, "IfNotPresent"))
        self.assertNotIn("runAsUser", created(pod())["spec"]["initContainers"][0]["securityContext"])

    def test_the_default_container_is_meant_and_no_other(self):
        made = created(pod(container(name="proxy"), container(),
                           metadata={"annotations": {"kubectl.kubernetes.io/default-container": "main"}}))["spec"]
        self.assertEqual(by_name(made["containers"], "main")["command"][0], RUNNER)
        self.assertEqual(by_name(made["containers"], "proxy")["command"][0], "make")
        made = created(pod(container(name="one"), container(name="two")))["spec"]
        self.assertEqual([each["command"][0] for each in made["containers"]], [RUNNER, "make"])

    def test_what_must_be_left_alone_is(self):
        probe = {"exec": {"command": ["true"]}}
        marker = {"name": "IMAGEBATCH_MARKER", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}}
        cases = {
            "another label": pod(metadata={"labels": {"imagebatch.dev/watch": "yes"}}),
            "a batch's": pod(metadata={"labels": {"imagebatch.dev/watch": "true", "imagebatch.dev/batch-uid": "u"}}),
            "no command": pod({"name": "main", "image": "i"}),
            "a probe of its own": pod(container(readinessProbe=probe)),
            "input": pod(container(stdin=True)),
            "the node's network": pod(hostNetwork=True),
            "wrapped by hand": pod(container(command=["/elsewhere/imagebatch-runner", "--", "make"], env=[marker])),
            "a volume of that name": pod(volumes=[{"name": "imagebatch-runner", "emptyDir": {}}]),
        }
        for name, item in cases.items():
            with self.subTest(name):
                made = created(item)
                self.assertFalse(is_wrapped(made))
                self.assertNotIn("initContainers", made["spec"])


class ValuesTest(PolicyCase):
    values = ("--set", "runner.resources.requests.cpu=5m", "--set", "runner.resources.limits.memory=64Mi",
              "--set", "runner.securityContext.runAsUser=1000", "--set", "runner.securityContext.seLinuxOptions.level=s0",
              "--set", "runner.imagePullPolicy=Always")

    def test_the_runners_values_hold_here_too(self):
        init = created(pod(container(resources={"requests": {"cpu": "2"}}), securityContext={"runAsUser": 0}))["spec"]["initContainers"][0]
        self.assertEqual(init["resources"], {"requests": {"cpu": "5m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}})
        self.assertEqual(init["imagePullPolicy"], "Always")
        context = init["securityContext"]
        self.assertEqual((context["runAsUser"], context["seLinuxOptions"], context["capabilities"]),
                         (1000, {"level": "s0"}, {"drop": ["ALL"]}))


if __name__ == "__main__":
    unittest.main()
