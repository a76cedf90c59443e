"""What all tests of the controller against a real API server have in common."""
import subprocess
import sys
import unittest

from cluster import KUBECTL, ROOT, Controller, Namespace, wait_for, wait_for_kinds

BINARY = sys.argv[1]
CRD = str(ROOT / "manifests/crd.yaml")


def apply_crd():
    applied = subprocess.run([KUBECTL, "apply", "--server-side", "-f", CRD], capture_output=True, text=True, timeout=60,
                             check=False)
    assert applied.returncode == 0, applied.stderr
    wait_for_kinds(CRD)


class ControllerCase(unittest.TestCase):
    """A namespace and a controller for each test; start_controller is there to be overridden."""

    @classmethod
    def setUpClass(cls):
        apply_crd()

    def setUp(self):
        self.ns = Namespace()
        self.addCleanup(self.ns.api.close)
        self.controller = self.start_controller()
        self.addCleanup(self.controller.clean_up)

    def start_controller(self):
        return Controller(BINARY, self.ns)

    def wait(self, condition, what, seconds=90):
        try:
            return wait_for(condition, what, seconds)
        except AssertionError as failure:
            raise AssertionError("%s\n%s" % (failure, self.controller.log()[-4000:])) from None

    def wait_for_jobs(self, number):
        return self.wait(lambda: len(self.ns.active_jobs()) == number and self.ns.active_jobs(),
                         "%d active Jobs" % number)

    def wait_for_builds(self, name, stage_name, state, number):
        """The metrics show counts at once, the status only every 10 s."""
        line = 'imagebatch_builds{namespace="%s",batch="%s",stage="%s",state="%s"} %d\n' % (
            self.ns.name, name, stage_name, state, number)
        self.wait(lambda: line in self.controller.get("/metrics")[1], line)

    def finish(self, name, between=lambda: None):
        """Ends each Job with a success, round by round, until the batch is complete; between is called after each round."""
        def complete():
            for job in self.ns.active_jobs():
                self.ns.end_job(job["metadata"]["name"])
            between()
            return self.ns.has(name, "Complete")
        return self.wait(complete, "the end of " + name, 180)
