"""The command line as a person calls it, against the fixture's API server."""
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "controller"))

from case import BINARY, apply_crd  # noqa: E402
from cluster import KUBECONFIG, Namespace  # noqa: E402

DONE, FAILED, USAGE, HUNG, TIME_IS_UP = range(5)


def environment(**more):
    """Without what this machine has set."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return {**kept, "KUBECONFIG": str(KUBECONFIG), **more}


def start(*arguments, **more):
    return subprocess.Popen([BINARY, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, env=environment(**more))


def call(*arguments, given=None, **more):
    """Exit code, standard output and standard error."""
    done = subprocess.run([BINARY, *arguments], input=given, capture_output=True, text=True, timeout=120, check=False,
                          env=environment(**more), **({} if given else {"stdin": subprocess.DEVNULL}))
    return done.returncode, done.stdout, done.stderr


class ProgramCase(unittest.TestCase):
    """A namespace for each test."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        apply_crd()

    def setUp(self):
        self.ns = Namespace()
        self.addCleanup(self.ns.api.close)

    def call(self, command, *arguments, code=DONE, **more):
        """What it prints with this exit code: standard output, or for others all that it says."""
        got, out, err = call(command, "-n", self.ns.name, *arguments, **more)
        self.assertEqual(got, code, out + err)
        return out if code == DONE else out + err

    def fails(self, *arguments, **more):
        """The one line that it says of an error."""
        said = self.call(*arguments, code=FAILED, **more)
        self.assertEqual(said.count("\n"), 1, said)
        self.assertTrue(said.startswith("imagebatch: "), said)
        return said

    def set_status(self, name, **status):
        """What a controller would write."""
        batch = self.ns.api.good("GET", self.ns.batches + "/" + name)
        status = {"observedGeneration": batch["metadata"]["generation"], **status}
        self.ns.api.patch(self.ns.batches + "/" + name + "/status", {"status": status})


def condition(kind, reason, message="", status="True"):
    return {"type": kind, "status": status, "reason": reason, "message": message,
            "lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 1}


def counts(**builds):
    states = ("total", "waiting", "queued", "held", "pending", "running", "succeeded", "skipped", "failed")
    return {**dict.fromkeys(states, 0), **builds}
