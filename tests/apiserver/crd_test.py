#!/usr/bin/env python3
"""manifests/crd.yaml on a real API server: what it fills in, what it refuses and how it says so.

Needs KUBECONFIG, and KUBECTL where kubectl is not in the PATH.
"""
import copy
import json
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "controller"))
from cluster import wait_for_kinds

ROOT = pathlib.Path(__file__).resolve().parents[2]
KUBECTL = os.environ.get("KUBECTL", "kubectl")
UNCHANGEABLE = "Forbidden: cannot be changed once the batch has started; create a new ImageBatch"


def kubectl(*args, stdin=None):
    text = None if stdin is None else json.dumps(stdin)
    return subprocess.run([KUBECTL, *args], input=text, capture_output=True, text=True, timeout=60, check=False)


def container(**fields):
    return {"name": "build", "image": "i", "command": ["x"], **fields}


def stage(name="image", **fields):
    return {"name": name, "image": "r/" + name + ":$(name)",
            "template": {"spec": {"containers": [container(env=[{"name": "A", "value": "1"}])]}}, **fields}


def batch(name, **spec):
    return {"apiVersion": "imagebatch.dev/v1alpha1", "kind": "ImageBatch",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"images": {"rows": [{"name": "a", "number": 7}]}, "stages": [stage()], **spec}}


def pod(**spec):
    return {"stages": [stage(template={"spec": spec})]}


def opt_out(value="none"):
    return {"metadata": {"annotations": {"imagebatch.dev/runner": value}}}


# Name of the case, what the spec has, what the API server's message must hold.
REFUSED = [
    ("no images", {"images": None}, "spec.images: Required value"),
    ("no rows", {"images": {}}, "spec.images: Required value: needs rows or configMaps"),
    ("empty rows", {"images": {"rows": []}}, "spec.images.rows in body should have at least 1 items"),
    ("rows and configMaps", {"images": {"rows": [{"name": "a"}], "configMaps": [{"name": "m", "key": "k"}]}},
     "has both rows and configMaps; give only one of them"),
    ("a row that is no object", {"images": {"rows": ["a"]}},
     'spec.images.rows[0] in body must be of type object: "string"'),
    ("2001 rows", {"images": {"rows": [{"name": "r%d" % i} for i in range(2001)]}}, "must have at most 2000 items"),
    ("a ConfigMap without a key", {"images": {"configMaps": [{"name": "m"}]}},
     "spec.images.configMaps[0].key: Required value"),
    ("a ConfigMap twice", {"images": {"configMaps": [{"name": "m", "key": "k"}, {"name": "m", "key": "k"}]}},
     "spec.images.configMaps[1]: Duplicate value"),
    ("an empty nameFrom", {"images": {"rows": [{"name": "a"}], "nameFrom": ""}}, "spec.images.nameFrom"),
    ("a select of nothing", {"images": {"rows": [{"name": "a"}], "select": {}}},
     "spec.images.select: Required value: needs names or configMap; remove select to take all rows"),
    ("a select of no names", {"images": {"rows": [{"name": "a"}], "select": {"names": []}}},
     "spec.images.select.names in body should have at least 1 items"),
    ("two selects", {"images": {"rows": [{"name": "a"}],
                                "select": {"names": ["a"], "configMap": {"name": "m", "key": "k"}}}},
     "has both names and configMap; give only one of them"),
    ("a negative limit", {"images": {"rows": [{"name": "a"}], "limit": -1}}, "spec.images.limit"),
    ("a seed that numpy does not take", {"images": {"rows": [{"name": "a"}], "seed": 2**32}}, "spec.images.seed"),
    ("a variable's name", {"variables": {"a b": "c"}},
     'spec.variables: Invalid value: "object": the name of a variable is a letter or _, then letters, digits, _ . and -'),
    ("a variable called image", {"variables": {"image": "c"}},
     "name, key, image, row.* and stages.* are names with a meaning of their own; call the variable otherwise"),
    ("a variable under stages.", {"variables": {"stages.x": "c"}}, "are names with a meaning of their own"),
    ("a variable that is no string", {"variables": {"a": 1}},
     'spec.variables.a in body must be of type string: "integer"'),
    ("no stages", {"stages": []}, "spec.stages in body should have at least 1 items"),
    ("11 stages", {"stages": [stage("s%d" % i) for i in range(11)]}, "must have at most 10 items"),
    ("a stage's name", {"stages": [stage("Env")]}, "spec.stages[0].name in body should match"),
    ("a long stage's name", {"stages": [stage("s" * 41)]}, "spec.stages[0].name: Too long: may not be more than 40"),
    ("two stages of one name", {"stages": [stage(), stage()]}, "spec.stages[1]: Duplicate value"),
    ("a need that is not there", {"stages": [stage(needs=["base"])]},
     "needs may name earlier stages of the list only, so that there is no cycle; look at stage image"),
    ("a need of itself", {"stages": [stage("env"), stage(needs=["image"])]}, "look at stage image"),
    ("a cycle", {"stages": [stage("env", needs=["image"]), stage(needs=["env"])]}, "look at stage env"),
    ("a need twice", {"stages": [stage("env"), stage(needs=["env", "env"])]},
     "spec.stages[1].needs[1]: Duplicate value"),
    ("no image", {"stages": [stage(image=None)]}, "spec.stages[0].image: Required value"),
    ("no template", {"stages": [stage(template=None)]}, "spec.stages[0].template: Required value"),
    ("no Pod spec", {"stages": [stage(template={})]}, "spec.stages[0].template.spec: Required value"),
    ("no containers", pod(), "spec.stages[0].template.spec.containers: Required value"),
    ("no container", pod(containers=[]), "containers in body should have at least 1 items"),
    ("no build among two", pod(containers=[container(name="a"), container(name="b")]),
     'spec.stages[0].template.spec.containers: Invalid value: "object": one of several containers must be called build'),
    ("no command", pod(containers=[container(command=None)]),
     "spec.stages[0].template.spec.containers: Required value: the build container needs a command"),
    ("no command in the build", pod(containers=[container(name="a"), container(command=None)]),
     "the build container needs a command"),
    ("an empty command", pod(containers=[container(command=[])]), "command in body should have at least 1 items"),
    ("a probe of the runner's", pod(containers=[container(readinessProbe={"exec": {"command": ["x"]}})]),
     "readinessProbe, terminationMessagePath and terminationMessagePolicy are the runner's own in the build container"),
    ("a termination message", pod(containers=[container(terminationMessagePolicy="File")]), "are the runner's own"),
    ("a startup probe", pod(containers=[container(startupProbe={"exec": {"command": ["x"]}})]),
     "Forbidden: a startupProbe would hide whether the build hangs until it passes"),
    ("stdin", pod(containers=[container(name="a"), container(stdin=True)]),
     "spec.stages[0].template.spec.containers: Forbidden: the build container cannot have stdin: nobody is attached"),
    ("another way out of the runner", {"stages": [stage(template={**opt_out("off"), "spec": {"containers": [container()]}})]},
     "spec.stages[0].template.metadata.annotations: Invalid value: "),
    ("an annotation that is no string", {"stages": [stage(template={**opt_out(True), "spec": {"containers": [container()]}})]},
     "must be of type string"),
    ("restartPolicy", pod(containers=[container()], restartPolicy="OnFailure"),
     'spec.stages[0].template.spec.restartPolicy: Unsupported value: "OnFailure": supported values: "Never"'),
    ("parallelism 0", {"parallelism": 0}, "spec.parallelism in body should be greater than or equal to 1"),
    ("parallelism 10001", {"parallelism": 10001}, "spec.parallelism in body should be less than or equal to 10000"),
    ("parallelism as text", {"parallelism": "4"}, 'spec.parallelism in body must be of type integer: "string"'),
    ("backoffLimit", {"backoffLimit": -1}, "spec.backoffLimit in body should be greater than or equal to 0"),
    ("infrastructureRetryLimit", {"infrastructureRetryLimit": 101},
     "spec.infrastructureRetryLimit in body should be less than or equal to 100"),
    ("a hang action", {"hang": {"action": "Kill"}},
     'spec.hang.action: Unsupported value: "Kill": supported values: "Flag", "Retry", "Fail"'),
    ("an expected line without its time", {"hang": {"expect": [{"pattern": "x"}]}},
     "spec.hang.expect[0].withinSeconds: Required value"),
    ("a pattern that is empty", {"hang": {"expect": [{"pattern": "", "withinSeconds": 5}]}},
     "spec.hang.expect[0].pattern in body should be at least 1 chars long"),
    ("seventeen expected lines", {"hang": {"expect": [{"pattern": "x", "withinSeconds": 5}] * 17}},
     "spec.hang.expect: Too many: 17: must have at most 16 items"),
    ("idleSeconds", {"hang": {"idleSeconds": -1}}, "spec.hang.idleSeconds in body should be greater than"),
    ("activeDeadlineSeconds", {"activeDeadlineSeconds": -5}, "spec.activeDeadlineSeconds in body should be greater"),
    ("ttlSecondsAfterFinished", {"ttlSecondsAfterFinished": -2},
     "spec.ttlSecondsAfterFinished in body should be greater than or equal to -1"),
    ("a shutdown", {"shutdown": "Suspend"},
     'spec.shutdown: Unsupported value: "Suspend": supported values: "Stop", "Terminate"'),
    ("firstBuilds", {"firstBuilds": -1}, "spec.firstBuilds in body should be greater than or equal to 0"),
    ("maxFailedBuilds", {"maxFailedBuilds": -1}, "spec.maxFailedBuilds in body should be greater than or equal to 0"),
    ("a stage's parallelism", {"stages": [stage(parallelism=0)]},
     "spec.stages[0].parallelism in body should be greater than or equal to 1"),
    ("a round", {"rerun": {"round": -1}}, "spec.rerun.round in body should be greater than or equal to 0"),
    ("a build without its stage", {"rerun": {"round": 1, "builds": ["a"]}}, "spec.rerun.builds[0] in body should match"),
    ("a build twice", {"rerun": {"round": 1, "builds": ["image/a", "image/a"]}},
     "spec.rerun.builds[1]: Duplicate value"),
    ("501 builds", {"rerun": {"round": 1, "builds": ["image/%d" % i for i in range(501)]}},
     "spec.rerun.builds: Too many: 501: must have at most 500 items"),
    ("an unknown field", {"paralellism": 4}, 'unknown field "spec.paralellism"'),
]


class CrdTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        crds = str(ROOT / "manifests/crd.yaml")
        applied = kubectl("apply", "--server-side", "-f", crds)
        assert applied.returncode == 0, applied.stderr
        wait_for_kinds(crds)

    def read(self, name, *args):
        return json.loads(self.good(kubectl("get", "ib", name, "-o", "json", *args)))

    def good(self, done):
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def create(self, name, **spec):
        created = kubectl("create", "--validate=strict", "-f", "-", stdin=batch(name, **spec))
        if created.returncode == 0:
            self.addCleanup(kubectl, "delete", "ib", name)
        return created

    def started(self, name, **spec):
        self.good(self.create(name, **spec))
        self.set_status(name, {"startTime": "2026-01-02T03:04:05Z", "total": 1})

    def set_status(self, name, status):
        self.good(kubectl("patch", "ib", name, "--subresource=status", "--type=merge", "-p",
                          json.dumps({"status": status})))

    def patch(self, name, spec):
        return kubectl("patch", "ib", name, "--type=merge", "-p", json.dumps({"spec": spec}))

    def test_fills_in_defaults(self):
        self.good(self.create("defaults"))
        spec = self.read("defaults")["spec"]
        images, stages = spec.pop("images"), spec.pop("stages")
        self.assertEqual(spec, {
            "parallelism": 50, "suspend": False, "existing": "Rebuild", "backoffLimit": 2, "infrastructureRetryLimit": 5,
            "firstBuilds": 0,
            "hang": {"deadlockSeconds": 30, "idleSeconds": 300, "silentSeconds": 1800, "deadlineSeconds": 0,
                     "slowFactor": 3, "action": "Flag"},
            "stall": {"afterSeconds": 600, "initSeconds": 1800, "action": "Flag"},
            "activeDeadlineSeconds": 0, "ttlSecondsAfterFinished": 604800})
        self.assertEqual(images, {"rows": [{"name": "a", "number": 7}], "nameFrom": "$(name)", "seed": 42})
        self.assertEqual(stages[0]["key"], "$(name)")

    def test_keeps_the_template_as_it_is(self):
        template = {"metadata": {"labels": {"kueue.x-k8s.io/queue-name": "q"}},
                    "spec": {"containers": [container(resources={"limits": {"cpu": "1"}}), container(name="b")],
                             "volumes": [{"name": "v", "emptyDir": {}}], "tolerations": [{"operator": "Exists"}]}}
        self.good(self.create("template", stages=[stage(template=copy.deepcopy(template))]))
        self.assertEqual(self.read("template")["spec"]["stages"][0]["template"], template)

    def test_keeps_what_columns_hold(self):
        row = {"name": "a", "patch": "x" * 100000, "version": 4.1, "tests": ["a", {"b": None}], "Unnamed: 0": True,
               "nothing": None}
        self.good(self.create("columns", images={"rows": [row]}))
        self.assertEqual(self.read("columns")["spec"]["images"]["rows"], [row])

    def test_without_the_runner_a_build_may_have_what_is_the_runners(self):
        bare = {"name": "x", "image": "i", "stdin": True, "startupProbe": {"exec": {"command": ["x"]}},
                "readinessProbe": {"tcpSocket": {"port": 1}}, "terminationMessagePolicy": "FallbackToLogsOnError"}
        template = {**opt_out(), "spec": {"containers": [bare]}}
        self.good(self.create("opt-out", stages=[stage(template=template)]))
        self.assertEqual(self.read("opt-out")["spec"]["stages"][0]["template"], template)

    def test_containers_beside_the_build_may_have_what_is_the_runners(self):
        beside = {"name": "x", "image": "i", "stdin": True, "startupProbe": {"exec": {"command": ["x"]}},
                  "readinessProbe": {"tcpSocket": {"port": 1}}, "terminationMessagePath": "/x"}
        spec = {"containers": [container(stdin=False, tty=True), beside]}
        self.good(self.create("beside", stages=[stage(template={"metadata": {"labels": {"a": "b"}}, "spec": spec})]))

    def test_refuses(self):
        for name, spec, message in REFUSED:
            with self.subTest(name):
                created = self.create("refused", **spec)
                self.assertNotEqual(created.returncode, 0)
                self.assertIn(message, created.stderr)

    def test_accepts_what_is_at_the_limit(self):
        stages = [stage("s0")] + [stage("s%d" % i, needs=["s%d" % j for j in range(i)]) for i in range(1, 10)]
        self.good(self.create("limits", stages=stages, parallelism=10000, ttlSecondsAfterFinished=-1,
                              variables={"v%d" % i: "x" * 4096 for i in range(64)},
                              images={"rows": [{"name": "r%d" % i} for i in range(2000)],
                                      "select": {"names": ["r%d" % i for i in range(2000)]},
                                      "limit": 100000, "seed": 2**32 - 1}))

    def test_refuses_a_long_name(self):
        self.assertIn("a batch's name has at most 63 characters", self.create("b" * 64).stderr)
        self.good(self.create("b" * 63))

    def test_work_cannot_be_changed_once_started(self):
        self.started("fixed", variables={"v": "1"})
        original = self.read("fixed")["spec"]["stages"][0]
        edits = {
            "a row": ({"images": {"rows": [{"name": "b"}]}}, "spec.images: "),
            "a column": ({"images": {"rows": [{"name": "a", "number": 7, "b": "c"}]}}, "spec.images: "),
            "a value within a column": ({"images": {"rows": [{"name": "a", "number": 7, "list": [{"a": "c"}]}]}},
                                        "spec.images: "),
            "a selection": ({"images": {"select": {"names": ["a"]}}}, "spec.images: "),
            "a limit": ({"images": {"limit": 1}}, "spec.images: "),
            "a seed": ({"images": {"seed": 1}}, "spec.images: "),
            "nameFrom": ({"images": {"nameFrom": "x-$(name)"}}, "spec.images: "),
            "a variable": ({"variables": {"v": "2"}}, "spec.variables: "),
            "another variable": ({"variables": {"w": "2"}}, "spec.variables: "),
            "no variables": ({"variables": None}, "spec.variables: "),
            "another stage": ({"stages": [original, stage("more")]}, "spec.stages: "),
            "an image": ({"stages": [{**original, "image": "r/other:$(name)"}]}, "spec.stages: "),
        }
        for field, value in {"command": ["y"], "env": [{"name": "A", "value": "2"}]}.items():
            changed = copy.deepcopy(original)
            changed["template"]["spec"]["containers"][0][field] = value
            edits["the template's " + field] = ({"stages": [changed]}, "spec.stages: ")
        labelled = copy.deepcopy(original)
        labelled["template"]["metadata"] = {"labels": {"a": "b"}}
        edits["the template's labels"] = ({"stages": [labelled]}, "spec.stages: ")
        for name, (edit, where) in edits.items():
            with self.subTest(name):
                patched = self.patch("fixed", edit)
                self.assertNotEqual(patched.returncode, 0)
                self.assertIn(where + UNCHANGEABLE, patched.stderr)

    def test_variables_cannot_be_added_once_started(self):
        self.started("novars")
        patched = self.patch("novars", {"variables": {"v": "1"}})
        self.assertIn("spec.variables: " + UNCHANGEABLE, patched.stderr)

    def test_the_rest_can_be_changed_once_started(self):
        self.started("mutable")
        change = {"parallelism": 7, "suspend": True, "backoffLimit": 0, "infrastructureRetryLimit": 1,
                  "hang": {"idleSeconds": 5, "action": "Fail"}, "stall": {"afterSeconds": 5, "action": "Retry"},
                  "rerun": {"round": 1, "builds": ["image/a"]}, "shutdown": "Stop", "firstBuilds": 1,
                  "maxFailedBuilds": 2, "activeDeadlineSeconds": 9,
                  "ttlSecondsAfterFinished": 0}
        self.good(self.patch("mutable", change))
        self.assertEqual(self.read("mutable")["spec"]["parallelism"], 7)

    def test_work_can_be_changed_before_the_start(self):
        self.good(self.create("early", variables={"v": "1"}))
        self.set_status("early", {"total": 0})
        self.good(self.patch("early", {"variables": {"v": "2"}, "images": {"rows": [{"name": "b"}]},
                                       "stages": [stage("other")]}))

    def test_status_is_a_subresource(self):
        self.good(self.create("status"))
        self.good(kubectl("patch", "ib", "status", "--type=merge", "-p", '{"status": {"total": 5}}'))
        self.assertNotIn("status", self.read("status"))
        generation = self.read("status")["metadata"]["generation"]
        self.set_status("status", {"total": 5})
        read = self.read("status")
        self.assertEqual(read["status"], {"total": 5})
        self.assertEqual(read["metadata"]["generation"], generation)

    def test_a_whole_status_is_kept_and_shown(self):
        counts = {"total": 580, "waiting": 1, "queued": 2, "held": 0, "pending": 3, "running": 4,
                  "succeeded": 564, "skipped": 0, "failed": 6}
        now = "2026-01-02T03:04:05Z"
        condition = {"type": "Complete", "status": "False", "reason": "NotFinished", "message": "",
                     "lastTransitionTime": now, "observedGeneration": 1}
        hung = {"stage": "image", "name": "a", "attempt": 1, "class": "Idle", "since": now, "pod": "p", "node": "n",
                "message": "m"}
        failed = {"stage": "image", "name": "b", "attempt": 3, "reason": "BuildFailed", "message": "m"}
        ready = {**condition, "type": "Ready", "reason": "Hung", "message": "build a hangs"}
        status = {**counts, "retried": 8, "hung": 1, "stalled": 2, "stages": [{"name": "image", **counts}],
                  "hungBuilds": [{**hung, "name": str(i)} for i in range(20)], "failedBuilds": [failed],
                  "stalledBuilds": [{**hung, "class": "ImagePull", "name": str(i)} for i in range(20)],
                  "lastProgressTime": now, "startTime": now, "completionTime": now, "inputDigest": "0" * 64,
                  "inputDigestVersion": 2,
                  "results": {"records": ["whole-results-0"], "lines": 3}, "observedGeneration": 1,
                  "conditions": [condition, {**condition, "type": "HungBuilds", "status": "True"}, ready]}
        self.good(self.create("whole"))
        self.set_status("whole", status)
        self.assertEqual(self.read("whole")["status"], status)
        header, line = self.good(kubectl("get", "ib", "whole")).splitlines()
        self.assertEqual(header.split(), ["NAME", "STATUS", "TOTAL", "SUCCEEDED", "RUNNING", "FAILED", "HUNG", "AGE"])
        self.assertEqual(line.split()[:-1], ["whole", "Hung", "580", "564", "4", "6", "1"])
        header, line = self.good(kubectl("get", "ib", "whole", "-o", "wide")).splitlines()
        self.assertEqual(header.split()[-4:], ["AGE", "SKIPPED", "STALLED", "REASON"])
        self.assertEqual(line.split()[-5:], ["0", "2", "build", "a", "hangs"])
        self.assertIn("imagebatch.imagebatch.dev/whole", self.good(kubectl("get", "imagebatch", "-o", "name")))
        self.assertNotIn("imagebatch", self.good(kubectl("get", "all", "-o", "name")))
        self.good(kubectl("wait", "--for=condition=HungBuilds", "--timeout=5s", "ib/whole"))

    def test_every_field_is_explained(self):
        text = self.good(kubectl("explain", "ib", "--recursive"))
        self.assertIn("ImageBatch builds a batch of container images", text)
        silent = []

        def visit(node, path):
            if "description" not in node:
                silent.append(path)
            for name, child in node.get("properties", {}).items():
                visit(child, path + "." + name)
            for name in ("items", "additionalProperties"):
                if isinstance(node.get(name), dict):
                    visit(node[name], path + "." + name)

        for name in ("imagebatches.imagebatch.dev", "imagebatchrecords.imagebatch.dev"):
            crd = json.loads(self.good(kubectl("get", "crd", name, "-o", "json")))
            schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
            del schema["properties"]["metadata"]  # the API server allows no description there and has its own
            visit(schema, name)
        self.assertEqual(silent, [])
        self.assertIn("Rows with the same key share one build",
                      self.good(kubectl("explain", "ib.spec.stages.key")).replace("\n", " ").replace("    ", ""))

    def test_a_record_holds_results_or_evidence(self):
        def record(name, **content):
            self.addCleanup(kubectl, "delete", "ibr", name, "--ignore-not-found")
            return kubectl("create", "-f", "-", stdin={
                "apiVersion": "imagebatch.dev/v1alpha1", "kind": "ImageBatchRecord", **content,
                "metadata": {"name": name, "namespace": "default", "labels": {"imagebatch.dev/batch": "b"}}})

        self.good(record("results", type="Results", results=[{"name": "a", "attempt_count": 1, "error": None, "more": [1]}]))
        self.good(record("evidence", type="Evidence", evidence="{}", log=""))
        refused = {"neither": {"type": "Results"}, "no-type": {"results": []}, "both": {"type": "Evidence", "evidence": "",
                   "results": []}, "other": {"type": "Rows", "results": []}}
        for name, content in refused.items():
            self.assertNotEqual(record(name, **content).returncode, 0, name)
        patch = [{"op": "add", "path": "/results/-", "value": {"name": "b"}}]
        self.good(kubectl("patch", "ibr", "results", "--type=json", "-p", json.dumps(patch)))
        stale = [{"op": "replace", "path": "/metadata/resourceVersion", "value": "1"}, *patch]
        self.assertIn("has been modified", kubectl("patch", "ibr", "results", "--type=json", "-p", json.dumps(stale)).stderr)
        read = json.loads(self.good(kubectl("get", "ibr", "results", "-o", "json")))
        self.assertEqual(read["results"], [{"name": "a", "attempt_count": 1, "error": None, "more": [1]}, {"name": "b"}])
        changed = kubectl("patch", "ibr", "results", "--type=merge", "-p", '{"type": "Evidence", "results": null, "evidence": ""}')
        self.assertIn("cannot be changed", changed.stderr)
        lines = self.good(kubectl("get", "ibr", "-l", "imagebatch.dev/batch=b", "-o",
                                  'jsonpath={range .items[*]}{range .results[*]}{@}{"\\n"}{end}{end}')).splitlines()
        self.assertEqual([json.loads(line)["name"] for line in lines], ["a", "b"])
        header, *rows = self.good(kubectl("get", "ibr")).splitlines()
        self.assertEqual(header.split(), ["NAME", "TYPE", "BATCH", "BUILD", "ATTEMPT", "AGE"])
        self.assertEqual([row.split()[1:3] for row in rows], [["Evidence", "b"], ["Results", "b"]])

    def test_the_samples_are_accepted(self):
        samples = [path for path in (ROOT / "manifests/samples").glob("*.yaml") if "kind: ImageBatch" in path.read_text("utf-8")]
        self.assertGreater(len(samples), 8)
        for sample in samples:
            self.good(kubectl("apply", "--dry-run=server", "--validate=strict", "-f", str(sample)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
