#!/usr/bin/env python3
"""The commands that talk to a cluster against a real API server. Where a test has no controller, it writes the status itself.

Usage: cli_test.py BINARY [ARGUMENT OF unittest...]
Needs KUBECONFIG of the fixture, and KUBECTL where kubectl is not in the PATH.
"""
import copy
import fcntl
import json
import os
import pathlib
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from program import DONE, FAILED, HUNG, TIME_IS_UP, USAGE, ProgramCase, call, condition, counts, environment, start  # noqa: E402
from case import CRD, apply_crd  # noqa: E402
from cluster import KUBECTL, Controller, batch, kubectl, two_stages, wait_for, wait_for_kinds  # noqa: E402
from proxy import Proxy  # noqa: E402

BINARY = sys.argv[1]
HANGS = {"stage": "image", "name": "row0", "attempt": 1, "class": "Deadlock", "since": "2026-01-01T00:00:00Z", "pod": "p",
         "node": "n", "message": "it waits"}


class StatusTest(ProgramCase):
    def test_the_table_is_that_of_kubectl(self):
        self.assertIn("there is no ImageBatch in namespace " + self.ns.name, call("status", "-n", self.ns.name)[2])
        self.ns.create_batch("one")
        self.ns.create_batch("two")
        self.set_status("one", **counts(total=5, succeeded=3, running=2), hung=1, stalled=0,
                        conditions=[condition("Ready", "Hung", "build x hangs", "False")])
        self.set_status("two", **counts(total=1, succeeded=1), hung=0, stalled=2,
                        conditions=[condition("Ready", "Complete", "1 of 1 builds succeeded, 0 failed")])
        for output in ([], ["-o", "wide"], ["-A"], ["-o", "name"]):
            theirs = kubectl("get", "ib", *output, *([] if output == ["-A"] else ["-n", self.ns.name]))
            code, ours, said = call("status", *output, *([] if output == ["-A"] else ["-n", self.ns.name]))
            self.assertEqual(code, DONE, said)
            # Other tests' batches have other values, and the age goes on between the two calls
            theirs, ours = (re.sub(r"\b\d+s\b", "AGE", text) for text in (theirs, ours))
            rows = [line for line in theirs.splitlines() if output != ["-A"] or self.ns.name in line]
            shown = [line for line in ours.splitlines() if output != ["-A"] or self.ns.name in line]
            self.assertEqual([line.split() for line in shown], [line.split() for line in rows])

    def test_the_objects_are_those_of_kubectl(self):
        self.ns.create_batch("one")
        theirs = json.loads(kubectl("get", "ib", "one", "-n", self.ns.name, "-o", "json"))
        self.assertEqual(json.loads(self.call("status", "one", "-o", "json")), theirs)
        listed = json.loads(self.call("status", "-o", "json"))
        self.assertEqual((listed["kind"], listed["items"]), ("List", [theirs]))
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(self.call("status", "one", "-o", "yaml"))
            file.flush()
            again = json.loads(kubectl("create", "--dry-run=client", "-o", "json", "-f", file.name))
        self.assertEqual(again["spec"], theirs["spec"])

    def test_one_batch_in_detail(self):
        self.ns.create_batch("one", **two_stages(1, 1))
        self.assertIn("the controller has not looked at the batch yet", self.call("status", "one"))
        self.set_status("one", **counts(total=2, running=1, failed=1), hung=1, hungBuilds=[HANGS],
                        stages=[{"name": "image", **counts(total=2, running=1, failed=1)}],
                        failedBuilds=[{"stage": "env", "name": "e0", "attempt": 3, "reason": "Error", "message": "m\x1b[2J"}],
                        conditions=[condition("Ready", "Hung", "row0 hangs", "False")])
        text = self.call("status", "one")
        for part in ("one in %s: Hung" % self.ns.name, "50%", "image/row0: Deadlock", "it waits",
                     "imagebatch evidence -n %s one image/row0" % self.ns.name, "env/e0, attempt 3: Error: m?[2J"):
            self.assertIn(part, text)
        self.assertNotIn("\x1b", text)


class WaitTest(ProgramCase):
    def wait(self, *arguments):
        return start("wait", "-n", self.ns.name, *arguments)

    def end(self, process):
        out, err = process.communicate(timeout=60)
        return process.returncode, out + err

    def test_each_end_has_its_exit_code(self):
        self.ns.create_batch("one", **two_stages(1, 1))
        cases = [
            (DONE, "one: 2 of 2 builds succeeded", {"conditions": [condition("Complete", "AllSucceeded", "2 of 2 builds succeeded")]}),
            (FAILED, "one: failed: BuildsFailed: 1 build failed",
             {"conditions": [condition("Failed", "BuildsFailed", "1 build failed")]}),
            (HUNG, "one: hung: build row0 hangs; only hung builds are left",
             {**counts(total=2, running=1, succeeded=1), "hung": 1, "hungBuilds": [HANGS],
              "conditions": [condition("HungBuilds", "Deadlock", "build row0 hangs")]}),
        ]
        for code, said, status in cases:
            with self.subTest(said):
                self.set_status("one", **counts(total=2, running=2), hung=0, hungBuilds=[], conditions=[])
                waits = self.wait("one")
                self.assertIsNone(waits.poll())
                self.set_status("one", **status)
                self.assertEqual(self.end(waits), (code, said + "\n"))
                self.assertEqual(self.end(self.wait("one")), (code, said + "\n"), "by the first look")

    def test_a_time_can_be_up(self):
        self.ns.create_batch("one")
        for time in ("0", "300ms"):
            code, said = self.end(self.wait("one", "--timeout", time))
            self.assertEqual(code, TIME_IS_UP)
            self.assertIn("time is up: one: Pending", said)
        code, said = self.end(self.wait("one", "--timeout", "soon"))
        self.assertEqual(code, USAGE)
        self.assertIn("is no length of time", said)

    def test_a_deleted_batch_is_told(self):
        proxy = Proxy()
        self.addCleanup(proxy.close)
        self.ns.create_batch("one")
        waits = self.wait("one", "--kubeconfig", str(proxy.kubeconfig))
        wait_for(lambda: proxy.watched, "a watch")
        self.ns.api.good("DELETE", self.ns.batches + "/one")
        self.assertEqual(self.end(waits), (FAILED, "imagebatch: ImageBatch one has been deleted\n"))

    def test_a_status_of_an_earlier_spec_is_no_end(self):
        self.ns.create_batch("one")
        self.set_status("one", conditions=[condition("Complete", "AllSucceeded", "all")])
        self.ns.change("one", {"parallelism": 3})
        self.assertEqual(self.end(self.wait("one", "--timeout", "300ms"))[0], TIME_IS_UP)


class WatchTest(ProgramCase):
    def test_without_a_terminal_it_writes_a_line_for_each_change(self):
        self.ns.create_batch("one", **two_stages(1, 1))
        watch = start("watch", "-n", self.ns.name, "one")
        self.assertIn(" one: Pending, 0 of 0 done", watch.stdout.readline())
        self.set_status("one", **counts(total=2, running=1, succeeded=1), hung=1, hungBuilds=[HANGS],
                        conditions=[condition("Ready", "Hung", "", "False")])
        self.assertIn(" image/row0 hangs: Deadlock: it waits\n", watch.stdout.readline())
        self.assertIn(" one: Hung, 1 of 2 done, 1 running, 0 failed, 1 hung\n", watch.stdout.readline())
        self.set_status("one", **counts(total=2, succeeded=2), hung=0, hungBuilds=[],
                        conditions=[condition("Complete", "AllSucceeded", "all"), condition("Ready", "Complete")])
        out, err = watch.communicate(timeout=60)
        self.assertIn(" one: Complete, 2 of 2 done, 0 running, 0 failed, 0 hung\n", out)
        self.assertEqual((watch.returncode, err), (DONE, "one: all\n"))

    def test_on_a_terminal_it_draws_the_picture_anew(self):
        self.ns.create_batch("one", **two_stages(1, 1))
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 60, 0, 0))
        watch = subprocess.Popen([BINARY, "watch", "-n", self.ns.name, "one"], stdin=theirs, stdout=theirs,
                                 stderr=subprocess.PIPE, env=environment(TERM="xterm", NO_COLOR="1"))
        os.close(theirs)
        seen = b""

        def read_until(part):
            nonlocal seen
            while part not in seen:
                seen += os.read(ours, 65536)

        read_until(b"the controller has not looked")
        self.set_status("one", **counts(total=2, running=1, succeeded=1), hung=1, hungBuilds=[{**HANGS, "message": "m" * 500}],
                        conditions=[condition("Ready", "Hung", "it hangs", "False")])
        read_until(b"  image/row0: Deadlock")
        # The picture of two lines is taken away before the next one is drawn, and no line is wider than the terminal
        self.assertIn(b"\x1b[2A\r\x1b[Jone in %s: Hung" % self.ns.name.encode(), seen)
        self.set_status("one", conditions=[condition("Complete", "AllSucceeded", "all"), condition("Ready", "Complete")])
        self.assertEqual(watch.communicate(timeout=60)[1], b"one: all\n")
        self.assertEqual(watch.returncode, DONE)
        for line in re.sub(rb"\x1b\[\d*[AJ]|\r", b"", seen).split(b"\n"):
            self.assertLessEqual(len(line), 60, line)


class ControlledCase(ProgramCase):
    """With a controller, and this test as the Job controller and the kubelet."""

    def setUp(self):
        super().setUp()
        self.proxy = Proxy()
        self.addCleanup(self.proxy.close)
        self.controller = Controller(BINARY, self.ns)
        self.addCleanup(self.controller.clean_up)

    def see(self, *arguments, code=DONE):
        return self.call(*arguments, "--kubeconfig", str(self.proxy.kubeconfig), code=code)

    def jobs(self, number):
        return wait_for(lambda: len(self.ns.active_jobs()) == number and self.ns.active_jobs(), "%d Jobs" % number)

    def pod_of(self, job):
        pods = self.ns.api.good("GET", self.ns.core + "pods")["items"]
        return next(pod for pod in pods if pod["metadata"]["name"].startswith(job["metadata"]["name"]))


class BuildTest(ControlledCase):
    def test_a_build_from_its_rows_to_its_log(self):
        rows = [{"name": "row%d" % i, "env": "e"} for i in range(2)]
        self.ns.create_batch("one", **{**two_stages(1, 2), "images": {"rows": rows}})
        self.assertIn("image/row1 of one in %s: waiting\n" % self.ns.name, self.see("describe", "one", "row1"))
        self.assertIn("nothing of it has begun", self.see("logs", "one", "row1", code=FAILED))
        self.assertIn("image/row1 has no evidence: ", self.see("evidence", "one", "row1", code=FAILED))
        job = self.jobs(1)[0]
        self.ns.run_pod(job)
        pod = self.pod_of(job)
        marker = next(variable["value"] for variable in pod["spec"]["containers"][0]["env"]
                      if variable["name"] == "IMAGEBATCH_MARKER")
        self.proxy.logs[pod["metadata"]["name"]] = ("step 1\n%s\nstep 2\n" % marker).encode()
        told = self.see("describe", "one", "env/e")
        for part in ("env/e of one in %s: running" % self.ns.name, "image: r.example/env:e\n", "Pod " + pod["metadata"]["name"],
                     "  step 1\n  ***\n  step 2\n"):
            self.assertIn(part, told)
        self.assertNotIn(marker, told)
        self.assertEqual(self.see("logs", "one", "env/e", "--tail", "5"), "step 1\n***\nstep 2\n")
        self.assertIn("tailLines=5", self.proxy.read[-1])
        self.assertEqual(self.see("logs", "one", "env/e", "-f"), "step 1\n***\nstep 2\n")
        self.assertIn("follow=true", self.proxy.read[-1])

    def test_the_story_of_a_build_that_failed_once(self):
        self.ns.create_batch("one", backoffLimit=0)
        job = self.jobs(1)[0]
        self.ns.run_pod(job, exitCode=3, reason="Error")
        self.ns.end_job(job["metadata"]["name"], "Failed")
        wait_for(lambda: self.ns.has("one", "Failed") and self.ns.results("one"), "the end of the batch")
        told = self.see("describe", "one", "a")
        self.assertIn("image/a of one in %s: failed\n" % self.ns.name, told)
        self.assertRegex(told, r"1 +failed +\S+ +0s +node-1 +Build: Error: .*exit code 3")
        self.assertEqual(self.see("wait", "one", code=FAILED).split(": ")[1], "failed")

    def test_follow_waits_for_the_build_to_start(self):
        self.ns.create_batch("one")
        job = self.jobs(1)[0]
        name = self.ns.create_pod(job)
        self.proxy.logs[name] = b"begun\n"
        follows = start("logs", "-n", self.ns.name, "one", "a", "-f", KUBECONFIG=str(self.proxy.kubeconfig))
        self.assertIn("has not started its build yet", follows.stderr.readline())
        self.ns.pod_status(name, {"phase": "Running", "containerStatuses": [
            {"name": "build", "image": "i", "imageID": "", "restartCount": 0, "ready": True, "state": {"running": {}}}]})
        out, err = follows.communicate(timeout=60)
        self.assertEqual((follows.returncode, out), (DONE, "begun\n"), err)

    def test_a_build_is_known_by_its_name_where_only_one_stage_has_it(self):
        self.ns.create_batch("one", **two_stages(1, 1), parallelism=1)
        self.assertIn("no build \"row\"; did you mean row0?", self.see("describe", "one", "row", code=FAILED))
        self.ns.create_batch("two", stages=[{**two_stages(1, 1)["stages"][0], "key": "$(name)"}, two_stages(1, 1)["stages"][1]])
        self.assertIn("several builds are called \"a\": env/a, image/a; give the stage too",
                      self.see("describe", "two", "a", code=FAILED))
        self.assertIn("env/a of two", self.see("describe", "two", "env/a"))

    def test_evidence_and_its_log_outlive_the_pod(self):
        self.ns.create_batch("one")
        job = self.jobs(1)[0]
        labels = {key: value for key, value in job["metadata"]["labels"].items() if key.startswith("imagebatch.dev/")}
        said = {"imagebatch": "evidence", "verdict": "Hung", "class": "Deadlock", "reason": "WaitCycle",
                "since": "2026-01-01T00:00:00Z", "message": "two wait for one another"}
        self.ns.api.good("POST", self.ns.records, {
            "apiVersion": "imagebatch.dev/v1alpha1", "kind": "ImageBatchRecord", "type": "Evidence",
            "metadata": {"name": "one-evidence-x-1", "labels": {**labels, "imagebatch.dev/record": "evidence"}},
            "evidence": json.dumps(said), "log": "its last words\n"})
        shown = "Hung: Deadlock (WaitCycle) since 2026-01-01T00:00:00Z\n  two wait for one another\n"
        self.assertEqual(self.see("evidence", "one", "a"), shown)
        self.assertEqual(self.see("logs", "one", "a"), "its last words\n")
        told = self.see("describe", "one", "a")
        self.assertIn("Evidence of attempt 1\n  Hung: Deadlock", told)
        self.assertIn("End of the log (attempt 1, kept with its evidence)\n  its last words\n", told)
        self.assertIn("has no evidence", self.see("evidence", "one", "a", "--attempt", "2", code=FAILED))


class ReportTest(ControlledCase):
    """Of a batch in the cluster, by its name."""

    def ended(self, job, code, kind):
        self.ns.run_pod(job, exitCode=code, reason="Error" if code else "Completed")
        self.ns.end_job(job["metadata"]["name"], kind)
        known = len(self.ns.results("one"))
        wait_for(lambda: len(self.ns.results("one")) > known, "the result")

    def report(self, *arguments):
        return self.see("report", "one", *arguments)

    def begin(self):
        """env/a is built, env/b fails, and with it what needs it; image/a goes on and has been hung, env/c has not begun."""
        rows = [{"name": name, "env": name} for name in "abc"]
        images = self.ns.create_config_map("rows", {"rows.jsonl": "".join(json.dumps(row) + "\n" for row in rows)}) and {
            "configMaps": [{"name": "rows", "key": "rows.jsonl"}]}
        self.ns.create_batch("one", **{**two_stages(3, 3), "images": images}, parallelism=1, backoffLimit=0)
        self.ended(self.jobs(1)[0], 0, "Complete")
        job = self.jobs(1)[0]
        self.assertEqual(job["metadata"]["annotations"]["imagebatch.dev/name"], "b")
        labels = {key: value for key, value in job["metadata"]["labels"].items() if key.startswith("imagebatch.dev/")}
        self.ns.api.good("POST", self.ns.records, {
            "apiVersion": "imagebatch.dev/v1alpha1", "kind": "ImageBatchRecord", "type": "Evidence",
            "metadata": {"name": "one-evidence-x-1", "labels": {**labels, "imagebatch.dev/record": "evidence"}},
            "evidence": json.dumps({"verdict": "Hung", "class": "Deadlock", "since": "2026-01-01T00:00:00Z"})})
        self.ended(job, 3, "Failed")

    def test_it_is_that_of_the_same_objects_in_a_file(self):
        self.begin()
        summary = json.loads(self.report("-o", "json"))
        self.assertEqual([summary[key] for key in ("batch", "total", "built", "failed", "unfinished")], ["one", 6, 1, 2, 3])
        lines = [json.loads(line) for line in self.report("-o", "jsonl").splitlines()]
        self.assertEqual([(line["stage"], line["name"], line["status"], line["attempt_count"]) for line in lines],
                         [("env", "a", "built", 1), ("env", "b", "failed", 1), ("image", "b", "failed", 0)])
        self.assertEqual([line["name"] for line in map(json.loads, self.report("-o", "jsonl", "--stage", "env").splitlines())],
                         ["a", "b"])
        kept = kubectl("get", "ib,ibr", "-n", self.ns.name, "-o", "json")
        code, out, err = call("report", "-", "-o", "jsonl", given=kept)
        self.assertEqual((code, err), (DONE, ""))
        # A file has no rows: what is not begun has no names there
        self.assertEqual([json.loads(line) for line in out.splitlines()], lines[:2])
        self.assertTrue(self.report().startswith("#"))
        page = self.report("-o", "html")
        self.assertTrue(page.lower().startswith("<!doctype html>"))
        self.assertIn("one", page)

    def test_it_is_of_the_batch_that_is_there_now(self):
        """Not of one of the same name that was deleted."""
        self.ns.create_batch("one", suspend=True)
        self.ns.api.good("POST", self.ns.records, {
            "apiVersion": "imagebatch.dev/v1alpha1", "kind": "ImageBatchRecord", "type": "Results",
            "metadata": {"name": "one-results-1", "labels": {
                "imagebatch.dev/batch": "one", "imagebatch.dev/batch-uid": "of-the-first", "imagebatch.dev/record": "results"}},
            "results": [{"stage": "image", "name": "a", "status": "failed", "attempt_count": 1}]})
        summary = json.loads(self.report("-o", "json"))
        self.assertEqual((summary["total"], summary["built"], summary["failed"], summary["unfinished"]), (1, 0, 0, 1))

    def test_a_name_and_a_file(self):
        self.ns.create_batch("one", suspend=True)
        self.assertIn("there is no ImageBatch \"onee\" in namespace", self.see("report", "onee", code=FAILED))
        said = call("report", "nowhere")[2]
        self.assertIn("there is no ImageBatch \"nowhere\"", said)
        self.assertIn("and there is no file \"nowhere\" here", said)
        self.assertIn("cannot", call("report", "./one")[2])
        self.assertEqual(call("report", "-n", self.ns.name, "-")[0], USAGE)
        self.assertEqual(call("report", "-n", self.ns.name, "one", "two")[0], USAGE)
        self.assertIn("has no stage \"nope\"", self.see("report", "one", "--stage", "nope", code=FAILED))


class NewTest(ProgramCase):
    def test_the_cluster_takes_what_new_prints(self):
        for builder in ("buildkit-rootless", "buildkit-privileged", "buildah"):
            code, made, said = call("new", builder, "--builder", builder, "--images", "-",
                                    given="registry.example:5000/a:1 https://git.example/a.git#main\n")
            self.assertEqual((code, said), (DONE, ""))
            self.call("apply", "-f", "-", given=made)
            self.assertEqual(self.ns.api.good("GET", self.ns.batches + "/" + builder)["spec"]["images"]["rows"],
                             [{"name": "a", "push": "registry.example:5000/a:1", "context": "https://git.example/a.git#main"}])
            stage, = self.ns.api.good("GET", self.ns.batches + "/" + builder)["spec"]["stages"]
            container, = stage["template"]["spec"]["containers"]
            if builder == "buildkit-privileged":    # which this API server allows nobody
                del container["securityContext"]
            self.ns.api.good("POST", self.ns.core + "pods?dryRun=All", {
                "metadata": {"name": "p"}, "spec": {"containers": [{**container, "command": ["x"], "args": []}],
                                                    "volumes": stage["template"]["spec"]["volumes"]}})


class ChangeTest(ProgramCase):
    def spec(self, name="one"):
        return self.ns.api.good("GET", self.ns.batches + "/" + name)["spec"]

    @staticmethod
    def apply_crd_with(fields):
        """This tree's CRD with just these of the fields that change a batch that runs."""
        text, crds = kubectl("create", "--dry-run=client", "-o", "json", "-f", CRD).strip(), []
        while text:   # one object behind the other
            crd, end = json.JSONDecoder().raw_decode(text)
            crds.append(crd)
            text = text[end:].strip()
        for crd in crds:
            if crd["spec"]["names"]["kind"] != "ImageBatch":
                continue
            for part in ("spec", "status"):
                properties = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"][part]["properties"]
                known = {
                    "shutdown": {"type": "string", "enum": ["Stop", "Terminate"]},
                    "rerun": {"type": "object", "properties": {
                        "round": {"type": "integer"}, "builds": {"type": "array", "items": {"type": "string"}}}}}
                for field, schema in known.items():
                    if field not in fields:
                        properties.pop(field, None)
                    elif part == "spec":
                        properties.setdefault(field, copy.deepcopy(schema))
        applied = subprocess.run([KUBECTL, "apply", "--server-side", "--force-conflicts", "-f", "-"], text=True,
                                 input=json.dumps({"apiVersion": "v1", "kind": "List", "items": crds}), capture_output=True,
                                 timeout=60, check=False)
        assert applied.returncode == 0, applied.stderr
        wait_for_kinds(CRD)

    def until_known(self, *arguments):
        """Until the server follows a CRD that was just changed."""
        return wait_for(lambda: call(*arguments)[0] == DONE and call(*arguments), " ".join(arguments), 30)

    def test_suspend_and_resume(self):
        self.ns.create_batch("one")
        self.assertEqual(self.call("resume", "one"), "imagebatch.imagebatch.dev/one is not suspended\n")
        self.assertEqual(self.call("suspend", "one"), "imagebatch.imagebatch.dev/one suspended\n")
        self.assertTrue(self.spec()["suspend"])
        self.assertEqual(self.call("suspend", "one"), "imagebatch.imagebatch.dev/one is suspended already\n")
        self.assertEqual(self.call("resume", "one"), "imagebatch.imagebatch.dev/one resumed\n")
        self.assertFalse(self.spec()["suspend"])

    def test_retry_and_cancel(self):
        self.addCleanup(apply_crd)
        self.apply_crd_with({"rerun", "shutdown"})
        self.ns.create_batch("one", **two_stages(1, 2))
        self.set_status("one", **counts(total=3, succeeded=1), conditions=[])
        self.assertEqual(self.call("retry", "one"), "imagebatch.imagebatch.dev/one: no build has failed; nothing is run again\n")
        self.assertFalse(self.spec().get("rerun", {}).get("round"))
        self.set_status("one", **counts(total=3, failed=2))
        self.until_known("retry", "-n", self.ns.name, "one", "row1", "image/row1", "env/e0")
        first = self.spec()["rerun"]
        self.assertEqual(first["builds"], ["image/row1", "env/e0"])
        self.call("retry", "one")
        self.assertEqual(self.spec()["rerun"].get("builds"), None, "all")
        self.assertGreater(self.spec()["rerun"]["round"], first["round"])
        self.assertIn("no build \"row7\"", self.fails("retry", "one", "row7"))
        self.assertIn("cancelled; its running builds end by themselves", self.call("cancel", "one"))
        self.assertEqual(self.spec()["shutdown"], "Stop")
        self.assertIn("cancelled; its running builds are ended", self.call("cancel", "one", "--now"))
        self.assertEqual(self.spec()["shutdown"], "Terminate")
        self.assertIn("is being cancelled already", self.call("cancel", "one"))
        self.assertEqual(self.spec()["shutdown"], "Terminate")
        self.set_status("one", conditions=[condition("Failed", "Cancelled"), condition("Ready", "Failed", "", "False")])
        self.assertIn("is over already: Failed", self.call("cancel", "one"))

    def test_an_older_crd_is_told(self):
        self.addCleanup(apply_crd)
        self.apply_crd_with(set())
        self.ns.create_batch("one")
        self.set_status("one", **counts(total=3, failed=2))

        def told(command):
            code, _, said = call(command, "-n", self.ns.name, "one")
            return code == FAILED and said

        for command, field in (("retry", "spec.rerun"), ("cancel", "spec.shutdown")):
            said = wait_for(lambda command=command: told(command), command, 30)
            self.assertEqual(said, "imagebatch: the imagebatch of this cluster does not know %s yet: upgrade it (its CRD is "
                                   "older than this program)\n" % field)


class ApplyTest(ProgramCase):
    def file(self, *documents):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", delete=False) as file:
            file.write("\n---\n".join(json.dumps(document) for document in documents))
        self.addCleanup(pathlib.Path(file.name).unlink)
        return file.name

    def test_all_documents_of_a_file(self):
        rows = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "rows"}, "data": {"r": '{"name": "a"}\n'}}
        images = {"images": {"configMaps": [{"name": "rows", "key": "r"}]}}
        file = self.file(rows, batch("one", **images))
        self.assertEqual(self.call("apply", "-f", file), "configmap/rows applied\nimagebatch.imagebatch.dev/one applied\n")
        self.assertEqual(self.call("apply", "-f", file), "configmap/rows applied\nimagebatch.imagebatch.dev/one applied\n")
        self.assertEqual(self.ns.api.good("GET", self.ns.core + "configmaps/rows")["data"], rows["data"])
        self.assertEqual(self.call("status", "-o", "name"), "imagebatch.imagebatch.dev/one\n")
        # Rows in ConfigMaps name the builds too
        self.assertIn("image/a of one", self.call("describe", "one", "a"))

    def test_the_standard_input(self):
        self.assertEqual(self.call("apply", "-f", "-", given=json.dumps(batch("one"))),
                         "imagebatch.imagebatch.dev/one applied\n")

    def test_nothing_is_applied_of_what_is_not_valid(self):
        rows = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "rows"}}
        bad = batch("one")
        bad["spec"]["stages"][0]["image"] = "r.example/i:$(nmae)"
        said = self.call("apply", "-f", self.file(rows, bad), code=FAILED)
        self.assertIn("spec.stages[0].image", said)
        self.assertIn("imagebatch: nothing was applied\n", said)
        self.assertEqual(self.ns.api.send("GET", self.ns.core + "configmaps/rows")[0], 404)

    def test_a_refusal_names_the_document(self):
        other = batch("one")
        other["metadata"]["namespace"] = "other"
        self.assertIn("ImageBatch one: is of namespace \"other\"", self.fails("apply", "-f", self.file(other)))
        unknown = {"apiVersion": "x.example/v1", "kind": "Thing", "metadata": {"name": "t"}}
        self.assertIn("Thing t: the cluster does not know kind \"Thing\" of \"x.example/v1\"",
                      self.call("apply", "-f", self.file(batch("one"), unknown), code=FAILED))

    def test_a_conflict_names_the_other_and_the_way_out(self):
        kubectl("apply", "--server-side", "-n", self.ns.name, "-f", self.file(batch("one", parallelism=3)))
        file = self.file(batch("one", parallelism=4))
        said = self.fails("apply", "-f", file)
        for part in ("conflict", "kubectl", ".spec.parallelism", "--force-conflicts"):
            self.assertIn(part, said)
        self.call("apply", "-f", file, "--force-conflicts")
        self.assertEqual(self.ns.api.good("GET", self.ns.batches + "/one")["spec"]["parallelism"], 4)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
