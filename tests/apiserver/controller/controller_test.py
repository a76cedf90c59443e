#!/usr/bin/env python3
"""The controller's binary against a real API server, where this test plays the Job controller and the kubelets.

Usage: controller_test.py BINARY [ARGUMENT OF unittest...]
Needs KUBECONFIG of the fixture, and KUBECTL where kubectl is not in the PATH.
"""
import hashlib
import json
import random
import subprocess
import sys
import time
import unittest

from case import BINARY, ControllerCase
from cluster import KUBECTL, Server, container, container_status, stage, two_stages

# Name of the batch, its spec, and what its condition must tell.
INVALID = [
    ("unknown-name", {"stages": [stage(image="r.example/i:$(nmae)")]}, ["spec.stages[0].image", "$(nmae)"]),
    ("unknown-in-template", {"stages": [stage(template={"spec": {"containers": [container(args=["$(colum)"])]}})]},
     ["spec.stages[0].template.spec.containers[0].args[0]", "$(colum)"]),
    ("duplicate-name", {"images": {"rows": [{"name": "a"}, {"name": "b"}, {"name": "a"}]}},
     ["spec.images.rows[2]", "spec.images.rows[0]"]),
    ("long-tag", {"images": {"rows": [{"name": "t" * 129}]}}, ["spec.stages[0].image", "tag is 129 characters, at most 128"]),
    ("no-reference", {"stages": [stage(image="Not A Reference")]}, ["spec.stages[0].image"]),
    ("bad-line", {"images": {"configMaps": [{"name": "rows", "key": "bad-line"}]}}, ["ConfigMap rows/bad-line line 2"]),
    ("no-object", {"images": {"configMaps": [{"name": "rows", "key": "no-object"}]}}, ["ConfigMap rows/no-object line 1"]),
    ("duplicate-keys", {"images": {"configMaps": [{"name": "rows", "key": "duplicate-keys"}]}},
     ["ConfigMap rows/duplicate-keys line 1", "name"]),
    ("unknown-selected", {"images": {"rows": [{"name": "a"}], "select": {"names": ["b"]}}},
     ["spec.images.select.names", "no row has this name: b"]),
    ("fraction", {"images": {"rows": [{"name": 4.1}]}}, ["spec.images.rows[0]", "put it in quotes to keep it as written"]),
    ("pod-template", {"stages": [stage(template={"spec": {"containers": [container(name="Build")]}})]},
     ["spec.stages[0].template", "containers[0].name"]),
    ("unknown-field", {"stages": [stage(template={"spec": {"containers": [container(imagePullPolicyy="x")]}})]},
     ["spec.stages[0].template", "imagePullPolicyy"]),
]
# The same of what may come yet.
LACKING = [
    ("config-map-missing", {"images": {"configMaps": [{"name": "absent", "key": "rows"}]}},
     ["ConfigMap absent", "not found"]),
    ("key-missing", {"images": {"configMaps": [{"name": "rows", "key": "absent"}]}}, ["ConfigMap rows", "no key absent"]),
    ("selection-missing", {"images": {"rows": [{"name": "a"}], "select": {"configMap": {"name": "absent", "key": "names"}}}},
     ["ConfigMap absent", "not found"]),
]
ROWS = {"bad-line": '{"name": "a"}\n{"name": ', "no-object": '["a"]', "duplicate-keys": '{"name": "a", "name": "b"}'}


class ControllerTest(ControllerCase):
    def test_a_bad_input_is_one_condition_and_no_job(self):
        self.ns.create_config_map("rows", ROWS)
        for name, spec, _ in INVALID:
            self.ns.create_batch(name, **spec)
        for name, _, words in INVALID:
            with self.subTest(name):
                failed = self.wait(lambda name=name: self.ns.has(name, "Failed"), "a failed " + name)
                self.assertEqual(failed["reason"], "Invalid")
                self.assertEqual(failed["observedGeneration"], 1)
                for word in words:
                    self.assertIn(word, failed["message"])
                self.assertNotIn("\n", failed["message"])
                self.assertFalse(self.ns.has(name, "Complete"))
                self.assertNotIn("startTime", self.ns.status(name))
                self.wait(lambda name=name: self.ns.events(name, "Invalid"), "an Event of " + name)
        self.assertEqual(self.ns.list_jobs(), [])
        for name, _, _ in INVALID:
            self.assertEqual(len(self.ns.events(name, "Invalid")), 1, name)

        self.ns.change("unknown-name", {"stages": [stage()]})  # a mended one runs
        self.wait_for_jobs(1)
        self.assertFalse(self.ns.has("unknown-name", "Failed"))

    def test_rows_that_are_not_there_degrade_a_batch_and_do_not_fail_it(self):
        self.ns.create_config_map("rows", ROWS)
        for name, spec, _ in LACKING:
            self.ns.create_batch(name, **spec)
        for name, _, words in LACKING:
            with self.subTest(name):
                degraded = self.wait(lambda name=name: self.ns.has(name, "Degraded"), "a degraded " + name)
                self.assertEqual(degraded["reason"], "RowsMissing")
                for word in words:
                    self.assertIn(word, degraded["message"])
                self.assertFalse(self.ns.has(name, "Failed"))
                self.wait(lambda name=name: self.ns.events(name, "RowsMissing"), "an Event of " + name)
        self.assertEqual(self.ns.list_jobs(), [])

    def test_a_good_batch_from_its_first_job_to_its_results(self):
        self.ns.create_batch("good", parallelism=2, **two_stages(3, 4))
        jobs = self.wait_for_jobs(2)
        for job in jobs:
            self.assertEqual(job["metadata"]["labels"]["imagebatch.dev/stage"], "env")
            self.assertRegex(job["metadata"]["name"], "^good-[a-z2-7]{10}-1$")
        counts = {"total": 7, "waiting": 4, "queued": 1, "pending": 2, "running": 0, "succeeded": 0, "failed": 0}
        self.wait(lambda: counts.items() <= self.ns.status("good").items(), "counts of the first Jobs")

        self.ns.run_pod(jobs[0])
        self.wait_for_builds("good", "env", "running", 1)

        self.finish("good")
        status = self.ns.status("good")
        expected = {"total": 7, "waiting": 0, "queued": 0, "pending": 0, "running": 0, "succeeded": 7, "failed": 0}
        self.assertLessEqual(expected.items(), status.items())
        self.assertEqual(status["results"], {"records": ["good-results-1"], "lines": 7})
        self.assertIn("completionTime", status)
        lines = self.ns.results("good")
        self.assertEqual(sorted(line["name"] for line in lines), ["e0", "e1", "e2", "row0", "row1", "row2", "row3"])
        self.assertEqual({line["status"] for line in lines}, {"built"})
        self.assertEqual([len(self.ns.events("good", reason)) for reason in ("Started", "Completed")], [1, 1])

    def test_a_build_that_fails_is_told(self):
        self.ns.create_batch("fails", backoffLimit=0, **two_stages(1, 1))
        job = self.wait_for_jobs(1)[0]
        self.ns.run_pod(job, exitCode=3, reason="Error")
        self.ns.end_job(job["metadata"]["name"], "Failed")
        failed = self.wait(lambda: self.ns.has("fails", "Failed"), "a failed batch")
        self.assertEqual(failed["reason"], "BuildsFailed")
        status = self.ns.status("fails")
        self.assertEqual((status["failed"], status["total"]), (2, 2))
        entry = [e for e in status["failedBuilds"] if e["stage"] == "env"][0]
        self.assertEqual((entry["name"], entry["attempt"], entry["reason"]), ("e0", 1, "Error"))
        self.assertIn("exit code 3", entry["message"])
        self.assertEqual([line["cause"] for line in self.ns.results("fails")], ["Build"])

    def test_what_a_runner_says_of_a_hang_is_believed_and_kept_and_what_a_build_says_is_not(self):
        self.ns.create_batch("hangs", backoffLimit=0, parallelism=2, images={"rows": [{"name": "a"}, {"name": "b"}]},
                             hang={"action": "Retry"})
        account = {"exitCode": 124, "verdict": "Hung", "class": "Deadlock", "reason": "WaitCycle", "message": "m",
                   "since": "2026-01-02T03:04:05Z", "evidence": {"processes": []}}
        for job in self.wait_for_jobs(2):
            name = job["metadata"]["annotations"]["imagebatch.dev/name"]
            marker = job["spec"]["template"]["spec"]["containers"][0]["env"][-1]
            self.assertEqual(marker["name"], "IMAGEBATCH_MARKER")
            self.assertRegex(marker["value"], "^[0-9a-f]{32}$")
            told = marker["value"] if name == "a" else "0" * 32
            self.ns.run_pod(job, exitCode=124, reason="Error", message=json.dumps({"marker": told, **account}))
            self.ns.end_job(job["metadata"]["name"], "Failed")
        self.wait(lambda: self.ns.has("hangs", "Failed"), "a failed batch")
        lines = {line["name"]: line for line in self.ns.results("hangs")}
        self.assertEqual([lines[name]["cause"] for name in "ab"], ["Hang", "Build"])
        self.assertEqual((lines["a"]["class"], lines["a"]["hang_reason"], lines["a"]["hung_since"]),
                         ("Deadlock", "WaitCycle", account["since"]))
        self.assertIsNone(lines["b"]["class"])
        # No kubelet, so no log: the runner's account is the evidence
        kept = self.ns.api.good("GET", self.ns.records + "?labelSelector=imagebatch.dev%2Frecord%3Devidence")["items"]
        self.assertEqual([each["metadata"]["name"] for each in kept], [lines["a"]["evidence_record"]])
        self.assertEqual(kept[0]["metadata"]["labels"]["imagebatch.dev/name"], "a")
        text = kept[0]["evidence"]
        self.assertEqual(json.loads(text), account)
        self.assertEqual(hashlib.sha256(text.encode()).hexdigest(), lines["a"]["evidence_sha256"])
        self.assertIn(lines["a"]["evidence_sha256"], self.ns.events("hangs", "HungBuildEnded")[0]["message"])

    def test_killed_at_any_moment_each_job_is_created_once(self):
        chance = random.Random(7)
        # A round ends three builds at most, so the batch is not done before the last kill, however fast it is.
        kills, at_once, wanted = [], 3, 10
        environments, images = 4, at_once * wanted
        self.ns.create_batch("killed", parallelism=at_once, **two_stages(environments, images))

        def kill():
            if len(kills) < wanted:
                time.sleep(chance.uniform(0, 0.4))
                self.controller.restart()
                kills.append(1)
                self.wait(lambda: self.controller.get("/readyz")[0] == 200 or chance.random() < 0.3, "readiness")

        self.finish("killed", between=kill)
        self.assertEqual(len(kills), wanted)
        creates = self.ns.creates()
        self.assertEqual(set(creates.values()), {1}, creates)
        self.assertEqual([name for name in creates if not name.endswith("-1")], [])
        lines = self.ns.results("killed")
        self.assertEqual((len(lines), {line["status"] for line in lines}), (environments + images, {"built"}))
        self.assertLessEqual(set(creates), {line["job"] for line in lines})

    def test_a_job_deleted_by_hand_is_tried_again_and_nothing_is_written_for_nothing(self):
        self.ns.create_batch("quiet", suspend=True)
        self.ns.create_batch("deleted")
        job = self.wait_for_jobs(1)[0]["metadata"]["name"]
        # The condition comes with the first look at the batch, the digest once its input is known
        self.wait(lambda: self.ns.has("quiet", "Suspended") and "inputDigest" in self.ns.status("quiet"), "a suspended batch")
        before = self.ns.api.good("GET", self.ns.batches + "/quiet")
        self.assertTrue(job.endswith("-1"))
        deleted = time.monotonic()
        self.ns.api.good("DELETE", self.ns.jobs + "/" + job + "?propagationPolicy=Background")
        again = self.wait_for_jobs(1)[0]["metadata"]["name"]
        self.assertEqual(again, job[:-1] + "2")
        self.assertGreater(time.monotonic() - deleted, 8)  # 10 s, counted from a time in whole seconds
        line = self.wait(lambda: self.ns.results("deleted"), "a stored result")[0]
        self.assertEqual((line["reason"], line["cause"], line["attempt_count"]), ("JobDeleted", "Infrastructure", 1))
        self.wait(lambda: self.ns.status("deleted").get("retried") == 1, "a retry in the status")
        self.assertEqual(self.ns.api.good("GET", self.ns.batches + "/quiet"), before)

    def test_rows_that_changed_after_the_start_are_refused(self):
        self.ns.create_config_map("rows", {"k": '{"name": "a"}\n{"name": "b"}\n'})
        self.ns.create_batch("changed", parallelism=1, images={"configMaps": [{"name": "rows", "key": "k"}]})
        job = self.wait_for_jobs(1)[0]["metadata"]["name"]
        self.wait(lambda: "startTime" in self.ns.status("changed"), "the start")
        self.controller.kill()
        self.ns.api.patch(self.ns.core + "configmaps/rows", {"data": {"k": '{"name": "a"}\n{"name": "c"}\n'}})
        self.ns.end_job(job)
        self.controller.start()
        self.wait(lambda: self.ns.has("changed", "Failed", "InputChanged"), "InputChanged")
        self.assertEqual(len(self.ns.list_jobs()), 1)
        self.assertIn("startTime", self.ns.status("changed"))

    def test_a_sample_of_selected_rows(self):
        def lines(**more):
            return "".join(json.dumps({"name": "r%d" % i, **more}) + "\n" for i in range(10))

        self.ns.create_config_map("rows", {"k": lines(tests=["a"]), "names": "r8\r\nr1\nr2\n\nr5\nr6\nr7\n"})
        self.ns.create_batch("sample", images={"configMaps": [{"name": "rows", "key": "k"}], "limit": 3,
                                               "select": {"configMap": {"name": "rows", "key": "names"}}})
        built = [job["metadata"]["annotations"]["imagebatch.dev/name"] for job in self.wait_for_jobs(3)]
        self.assertEqual(sorted(built), ["r1", "r2", "r8"], "those of pandas' sample(n=3, random_state=42)")
        self.wait(lambda: "startTime" in self.ns.status("sample"), "the start")
        self.controller.kill()
        # A column that no stage uses may change
        self.ns.api.patch(self.ns.core + "configmaps/rows", {"data": {"k": lines(tests=None, patch="x" * 1000)}})
        self.controller.start()
        self.finish("sample")
        self.assertEqual(self.ns.status("sample")["succeeded"], 3)

    def test_config_maps_that_the_command_makes(self):
        rows = "".join(json.dumps({"name": "r%d" % i, "patch": '"\\\n\u2028' * 20000}) + "\n" for i in range(9))
        made = subprocess.run([BINARY, "rows", "-", "--name", "made", "-n", self.ns.name], input=rows.encode(),
                              capture_output=True, timeout=60, check=True)
        created = subprocess.run([KUBECTL, "create", "-f", "-"], input=made.stdout, capture_output=True, timeout=60,
                                 check=False)
        self.assertEqual(created.returncode, 0, created.stderr)
        names = sorted(line.split()[0].split("/")[1] for line in created.stdout.decode().splitlines())
        self.assertGreater(len(names), 1)
        config_maps = [{"name": name, "key": "rows.jsonl"} for name in names]
        self.ns.create_batch("made", images={"configMaps": config_maps})
        self.wait_for_jobs(9)

    def test_suspend_and_parallelism_can_be_changed(self):
        rows = [{"name": "row%d" % i} for i in range(5)]
        self.ns.create_batch("changes", parallelism=1, suspend=True, images={"rows": rows})
        self.wait(lambda: self.ns.has("changes", "Suspended"), "a suspended batch")
        self.wait_for_builds("changes", "image", "queued", 5)
        self.assertEqual(self.ns.list_jobs(), [])
        self.ns.change("changes", {"suspend": False})
        self.wait_for_jobs(1)
        self.wait(lambda: not self.ns.has("changes", "Suspended"), "the end of the suspension")
        self.ns.change("changes", {"parallelism": 3})
        self.wait_for_jobs(3)
        self.ns.change("changes", {"suspend": True})
        self.wait(lambda: self.ns.has("changes", "Suspended"), "a suspended batch")
        self.ns.end_job(self.ns.active_jobs()[0]["metadata"]["name"])
        self.wait_for_builds("changes", "image", "succeeded", 1)
        self.wait_for_builds("changes", "image", "queued", 2)
        self.assertEqual(len(self.ns.active_jobs()), 2)

    def hold_up(self, job, klass):
        """Brings a Job into the state of a class, as the components that the fixture lacks would."""
        def waiting(reason, message):
            return {"phase": "Pending",
                    "containerStatuses": [container_status({"waiting": {"reason": reason, "message": message}})]}

        if klass == "QuotaExceeded":
            self.ns.warn("Job", job, "FailedCreate", 'pods "x" is forbidden: exceeded quota: q, '
                         'requested: pods=1, used: pods=0, limited: pods=0')
        elif klass == "Unschedulable":
            self.ns.pod_status(self.ns.create_pod(job, node=None), {"conditions": [
                {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}]})
        elif klass == "ImagePull":
            self.ns.pod_status(self.ns.create_pod(job), waiting("ImagePullBackOff", "Back-off pulling"))
        elif klass == "ContainerCreating":
            pod = self.ns.create_pod(job)
            self.ns.pod_status(pod, waiting("PodInitializing", ""))
            found = self.ns.api.good("GET", self.ns.core + "pods/" + pod)
            self.ns.warn("Pod", found, "FailedMount", 'configmap "absent" not found')
        elif klass in ("Terminating", "NodeLost"):
            pod = self.ns.create_pod(job, finalizers=["imagebatch.dev/test"])
            conditions = [{"type": "Ready", "status": "True"}]
            if klass == "NodeLost":
                conditions.append({"type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager"})
            self.ns.pod_status(pod, {"phase": "Running", "conditions": conditions, "containerStatuses": [
                container_status({"running": {}}, ready=True)]})
            self.ns.api.good("DELETE", self.ns.core + "pods/" + pod + "?gracePeriodSeconds=1")

    def entry(self, name, build):
        """Of a build in status.stalledBuilds; false where it is not there."""
        return next((e for e in self.ns.status(name).get("stalledBuilds", []) if e["name"] == build), False)

    def test_what_stalls_a_build_is_told(self):
        words = {"PodNotCreated": "no Pod", "QuotaExceeded": "exceeded quota: q", "Unschedulable": "0/1 nodes",
                 "ImagePull": "ImagePullBackOff", "ContainerCreating": 'configmap "absent" not found',
                 "Terminating": "should have been gone by", "NodeLost": "DeletionByTaintManager"}
        self.ns.create_batch("held", stall={"afterSeconds": 1000},
                             images={"rows": [{"name": klass.lower()} for klass in words]})
        jobs = {job["metadata"]["annotations"]["imagebatch.dev/name"]: job for job in self.wait_for_jobs(len(words))}
        for klass in words:
            self.hold_up(jobs[klass.lower()], klass)
        self.ns.change("held", {"stall": {"afterSeconds": 3}})  # only now: what is to be told is there, however slowly it came
        for klass, word in words.items():
            with self.subTest(klass):
                entry = self.wait(lambda k=klass: self.entry("held", k.lower()), "a verdict of " + klass)
                self.assertEqual(entry["class"], klass)
                self.assertIn(word, entry["message"])
                line = 'imagebatch_builds_stalled{namespace="%s",batch="held",class="%s"} 1\n' % (self.ns.name, klass)
                self.wait(lambda line=line: line in self.controller.get("/metrics")[1], line)
        self.assertTrue(self.ns.has("held", "StalledBuilds"))
        self.wait(lambda: len(self.ns.events("held", "BuildStalled")) == len(words), "Events")
        self.assertEqual(self.ns.events("held", "BuildHung"), [])
        self.assertEqual(len(self.ns.active_jobs()), len(words))  # nothing is ended: the action is Flag

        self.ns.run_pod(jobs["quotaexceeded"])  # the quota has room again
        self.wait(lambda: not self.entry("held", "quotaexceeded"), "the end of a verdict")
        self.ns.change("held", {"stall": {"afterSeconds": 1000}})  # applies at once
        self.wait(lambda: self.ns.status("held")["stalledBuilds"] == [], "the end of all verdicts")
        for pod in self.ns.api.good("GET", self.ns.core + "pods")["items"]:
            self.ns.api.patch(self.ns.core + "pods/" + pod["metadata"]["name"], {"metadata": {"finalizers": None}})

    def test_with_retry_only_what_another_pod_may_mend_is_ended(self):
        classes = ("ImagePull", "ContainerCreating", "Unschedulable", "QuotaExceeded")
        self.ns.create_batch("ends", stall={"afterSeconds": 1000, "action": "Retry"}, backoffLimit=0,
                             images={"rows": [{"name": klass.lower()} for klass in classes]})
        jobs = {job["metadata"]["annotations"]["imagebatch.dev/name"]: job for job in self.wait_for_jobs(len(classes))}
        for klass in classes:
            self.hold_up(jobs[klass.lower()], klass)
        self.ns.change("ends", {"stall": {"afterSeconds": 3}})
        lines = self.wait(lambda: len(self.ns.results("ends")) == 2 and self.ns.results("ends"), "two results")
        self.assertEqual({(line["name"], line["reason"], line["cause"]) for line in lines},
                         {("imagepull", "ImagePull", "Infrastructure"),
                          ("containercreating", "ContainerCreating", "Infrastructure")})
        # The next attempts stand in the place of the first; the others are left alone
        kept = {jobs[name]["metadata"]["name"] for name in ("unschedulable", "quotaexceeded")}
        again = {jobs[name]["metadata"]["name"][:-1] + "2" for name in ("imagepull", "containercreating")}
        def are_there():
            self.ns.collect_garbage()
            return {job["metadata"]["name"] for job in self.ns.active_jobs()} == kept | again

        self.wait(are_there, "second attempts")

    def test_pages_and_a_clean_end(self):
        self.wait(lambda: self.controller.get("/readyz")[0] == 200, "readiness")
        self.assertEqual(self.controller.get("/healthz")[0], 200)
        page = self.controller.get("/metrics")[1]
        for family in ("imagebatch_build_info", "imagebatch_reconcile_last_success_timestamp_seconds",
                       'imagebatch_watch_last_event_timestamp_seconds{resource="jobs"}', "process_resident_memory_bytes"):
            self.assertIn(family, page)
        self.assertEqual(self.controller.get("/nothing")[0], 404)
        self.ns.create_batch("stopped")
        self.wait_for_jobs(1)
        self.assertEqual(self.controller.stop(), 0)
        self.assertIn('"msg":"stopped"', self.controller.log())

    def test_zz_the_api_server_restarted_in_the_middle(self):
        self.ns.create_batch("outage", parallelism=2, **two_stages(2, 4))
        self.wait_for_jobs(2)
        server = Server()
        server.kill()
        try:
            self.wait(lambda: self.ns.api.send("GET", "/version")[0] == 0, "an outage")
            self.assertEqual(self.controller.get("/healthz")[0], 200)
        finally:
            server.start()
        self.finish("outage")
        creates = self.ns.creates()
        self.assertEqual(len(creates), 6)
        self.assertEqual(set(creates.values()), {1}, creates)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
