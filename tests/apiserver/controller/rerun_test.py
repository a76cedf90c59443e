#!/usr/bin/env python3
"""Builds that failed run again, against a real API server, where this test plays the Job controller.

Usage: rerun_test.py BINARY [ARGUMENT OF unittest...]
Needs KUBECONFIG of the fixture, and KUBECTL where kubectl is not in the PATH.
"""
import random
import sys
import time
import unittest

from case import ControllerCase
from cluster import two_stages


def names(jobs):
    return {job["metadata"]["annotations"]["imagebatch.dev/name"] for job in jobs}


class RerunTest(ControllerCase):
    def finish_with(self, name, failed, **spec):
        """A batch of which these rows have failed for good."""
        self.ns.create_batch(name, parallelism=100, backoffLimit=0, infrastructureRetryLimit=0, **spec)

        def ended():
            for job in self.ns.active_jobs():
                bad = job["metadata"]["annotations"]["imagebatch.dev/name"] in failed
                self.ns.end_job(job["metadata"]["name"], "Failed" if bad else "Complete")
            return self.ns.status(name).get("completionTime")

        self.wait(ended, "the end of " + name)

    def test_ten_failures_run_again_and_nothing_else_though_the_controller_is_killed(self):
        chance = random.Random(11)
        rows = [{"name": "row%d" % i} for i in range(15)]
        failed = {"row%d" % i for i in range(10)}
        self.finish_with("ten", failed, images={"rows": rows})
        self.assertEqual(self.ns.has("ten", "Failed")["reason"], "BuildsFailed")
        self.ns.change("ten", {"rerun": {"round": 1}})

        def killed_until_all_are_there():
            time.sleep(chance.uniform(0, 0.5))
            self.controller.restart()
            self.wait(lambda: self.controller.get("/readyz")[0] == 200 or chance.random() < 0.3, "readiness")
            return len(self.ns.active_jobs()) == 10 and self.ns.active_jobs()

        jobs = self.wait(killed_until_all_are_there, "ten Jobs", 180)
        self.assertEqual(names(jobs), failed)
        for job in jobs:
            labels = job["metadata"]["labels"]
            self.assertEqual((labels["imagebatch.dev/attempt"], labels["imagebatch.dev/round"]), ("2", "1"))
        self.assertFalse(self.ns.has("ten", "Failed"))
        self.assertNotIn("completionTime", self.ns.status("ten"))
        self.assertEqual(self.ns.status("ten")["rerun"]["message"], "round 1 runs 10 builds again")
        self.finish("ten")
        creates = self.ns.creates()
        self.assertEqual(set(creates.values()), {1}, creates)
        lines = self.ns.results("ten")
        self.assertEqual((len(lines), len({line["job"] for line in lines})), (25, 25))
        self.assertLessEqual(set(creates), {line["job"] for line in lines})
        self.assertEqual({line["name"] for line in lines if line.get("round") == 1}, failed)
        self.assertGreater(len(self.ns.events("ten", "Rerun")), 0)

    def test_one_by_its_name_runs_again_with_what_it_needs(self):
        self.finish_with("named", {"e0"}, **two_stages(2, 4))
        self.assertEqual(self.ns.status("named")["failed"], 3)
        self.ns.change("named", {"rerun": {"round": 1, "builds": ["env/e1"]}})
        refused = self.wait(lambda: self.ns.events("named", "RerunRefused"), "a refusal")
        self.assertIn("env/e1 has not failed (it is succeeded)", refused[0]["message"])
        self.assertEqual(self.ns.active_jobs(), [])
        self.assertTrue(self.ns.has("named", "Failed"))
        self.ns.change("named", {"rerun": {"round": 2, "builds": ["image/row0"]}})
        self.assertEqual(names(self.wait_for_jobs(1)), {"e0"})
        self.finish("named")
        self.assertEqual(self.ns.status("named")["succeeded"], 6)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
