#!/usr/bin/env python3
"""Faults of the API server and of what the controller needs there: its kind, its account, its namespace.

Usage: faults_test.py BINARY [ARGUMENT OF unittest...]
Needs KUBECONFIG of the fixture, and KUBECTL where kubectl is not in the PATH.
"""
import collections
import json
import pathlib
import sys
import tempfile
import unittest

from case import BINARY, CRD, ControllerCase, apply_crd
from cluster import Controller, kubectl, two_stages
from proxy import Proxy


class FaultsCase(ControllerCase):
    def is_ready(self):
        return self.controller.get("/readyz")[0] == 200

    def is_failing(self, purpose):
        lines = self.controller.get("/metrics")[1].splitlines()
        return any(line.startswith("imagebatch_request_failing_since_timestamp_seconds{") and
                   'purpose="%s"' % purpose in line for line in lines)

    def told(self, words):
        """The log's lines of warnings and errors with these words."""
        lines = [json.loads(line) for line in self.controller.log().splitlines()]
        return [line["msg"] for line in lines if line["level"] in ("warn", "error") and words in line["msg"]]

    def expect_each_job_once(self, number):
        creates = self.ns.creates()
        self.assertEqual((len(creates), set(creates.values())), (number, {1}), creates)


class KindTest(FaultsCase):
    def test_the_kind_is_deleted_while_a_batch_runs_and_comes_back(self):
        self.ns.create_batch("b", parallelism=2, **two_stages(2, 2))
        first = {job["metadata"]["name"] for job in self.wait_for_jobs(2)}
        self.wait(self.is_ready, "readiness")
        kubectl("delete", "-f", CRD, "--wait")
        self.addCleanup(apply_crd)
        self.wait(lambda: 'batch="b"' not in self.controller.get("/metrics")[1], "a batch that is forgotten")
        self.wait(lambda: self.is_failing("WatchBatches"), "the metric", 60)
        self.wait(lambda: not self.is_ready(), "the end of readiness", 90)
        self.assertIn("cannot watch imagebatches", self.controller.get("/readyz")[1])
        self.assertEqual(self.controller.get("/healthz")[0], 200)
        self.assertEqual(len(self.told("cannot watch imagebatches")), 1, self.controller.log())
        self.assertEqual({job["metadata"]["name"] for job in self.ns.list_jobs()}, first, "what runs is left alone")

        apply_crd()
        self.ns.create_batch("b", parallelism=2, **two_stages(2, 2))
        self.wait(lambda: self.is_ready() and not self.is_failing("WatchBatches"), "readiness", 60)
        for job in first:  # as the garbage collector does
            self.ns.api.good("DELETE", self.ns.jobs + "/" + job + "?propagationPolicy=Background")
        self.finish("b")
        self.assertEqual(len(self.ns.results("b")), 4)
        self.expect_each_job_once(2 + 4)
        self.assertEqual(len(self.told("cannot watch imagebatches")), 1, self.controller.log())


class AccountTest(FaultsCase):
    """The controller has a ServiceAccount's token, bound to that account."""

    def start_controller(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.token = pathlib.Path(self.directory.name, "token")
        binding = {"metadata": {"name": "controller"},
                   "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
                   "subjects": [{"kind": "ServiceAccount", "name": "controller", "namespace": self.ns.name}]}
        self.ns.api.good("POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/%s/rolebindings" % self.ns.name, binding)
        self.make_account()
        config = json.loads(kubectl("config", "view", "--raw", "--flatten", "-o", "json"))
        config["users"][0]["user"] = {"tokenFile": str(self.token)}
        kubeconfig = pathlib.Path(self.directory.name, "kubeconfig")
        kubeconfig.write_text(json.dumps(config))
        return Controller(BINARY, self.ns, kubeconfig=kubeconfig)

    def make_account(self):
        accounts = self.ns.core + "serviceaccounts"
        self.ns.api.good("POST", accounts, {"metadata": {"name": "controller"}})
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
        reply = self.ns.api.good("POST", accounts + "/controller/token", request)
        self.token.write_text(reply["status"]["token"])

    def test_a_token_is_revoked_and_another_comes(self):
        self.ns.create_batch("b", parallelism=2, **two_stages(3, 3))
        jobs = self.wait_for_jobs(2)
        self.wait(self.is_ready, "readiness")
        self.ns.api.good("DELETE", self.ns.core + "serviceaccounts/controller")
        # A watch that is open stays open; it is refused when it begins anew. Requests are refused at once.
        for job in jobs:
            self.ns.end_job(job["metadata"]["name"])
        self.wait(lambda: self.is_failing("CreateJob") or self.is_failing("WriteResults"), "refused requests", 60)
        self.assertEqual(self.ns.results("b"), [])
        self.assertEqual(self.controller.get("/healthz")[0], 200)

        self.make_account()
        self.wait(lambda: not self.is_failing("CreateJob") and not self.is_failing("WriteResults"), "another token", 120)
        self.finish("b")
        self.assertEqual(len(self.ns.results("b")), 6)
        self.expect_each_job_once(6)
        self.assertEqual(len(self.told("rejects the controller's token")), 1, self.controller.log())
        lines = collections.Counter(self.told(""))
        self.assertEqual([line for line, count in lines.items() if count > 1], [], self.controller.log())


class FailingServerTest(FaultsCase):
    def start_controller(self):
        self.proxy = Proxy()
        self.addCleanup(self.proxy.close)
        return Controller(BINARY, self.ns, kubeconfig=self.proxy.kubeconfig)

    def test_every_third_request_fails(self):
        self.wait(self.is_ready, "readiness")
        self.proxy.fails = True
        self.ns.create_batch("b", parallelism=3, **two_stages(4, 20))
        self.finish("b")
        self.proxy.fails = False
        self.assertGreater(len(self.proxy.failed), 10)
        lines = self.ns.results("b")
        self.assertEqual((len(lines), len({line["job"] for line in lines}), {line["status"] for line in lines}),
                         (24, 24, {"built"}))
        self.expect_each_job_once(24)
        # Once for each thing that fails, however often it does and however often it goes well in between
        kinds = collections.Counter(line.split(" (")[0] for line in self.told("; it will be retried"))
        self.assertTrue(kinds)
        self.assertEqual(set(kinds.values()), {1}, self.controller.log())
        for reason in ("Started", "Completed"):  # an Event that is refused is not sent again
            self.assertLessEqual(len(self.ns.events("b", reason)), 1)


class NamespaceTest(FaultsCase):
    def test_the_namespace_is_deleted_while_a_batch_runs(self):
        self.ns.create_batch("b", parallelism=2, **two_stages(4, 4))
        jobs = self.wait_for_jobs(2)
        self.wait(self.is_ready, "readiness")
        # Nothing here empties it, so it is terminating for as long as the test looks
        self.ns.api.good("DELETE", "/api/v1/namespaces/" + self.ns.name)
        self.wait(lambda: self.ns.api.send("POST", self.ns.core + "configmaps", {"metadata": {"generateName": "x"}})[0] == 403,
                  "an end of creates")
        for job in jobs:
            self.ns.end_job(job["metadata"]["name"])
        self.wait_for_builds("b", "env", "succeeded", 2)

        def attempts():
            page = self.controller.get("/metrics")[1]
            return sum(int(line.rsplit(" ", 1)[1]) for line in page.splitlines()
                       if line.startswith('imagebatch_apiserver_requests_total{verb="create"') and 'code="403"' in line)

        self.wait(attempts, "a refused create")
        self.assertEqual(self.told(""), [], "nobody can do anything about it")
        self.assertFalse(self.ns.has("b", "Degraded"))
        self.assertTrue(self.is_ready())
        for job in jobs:
            self.ns.api.good("DELETE", self.ns.jobs + "/" + job["metadata"]["name"] + "?propagationPolicy=Background")
        self.ns.api.good("DELETE", self.ns.batches + "/b")
        self.wait(lambda: 'batch="b"' not in self.controller.get("/metrics")[1], "a batch that is forgotten")
        self.assertEqual(self.told(""), [], self.controller.log())
        self.expect_each_job_once(2)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
