"""What the tests of `imagebatch run` have in common: a directory of their own, batches, runs, and a look at their processes."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
TREE = HERE.parents[1]
BINARY = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else None
PATIENCE = 120  # seconds; on however busy a machine


def verified(count):
    """The first rows of the batch of 500, with the columns that the tests use."""
    with open(TREE / "tests/data/swebench-verified.jsonl", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [{"name": row["instance_id"], "repo": row["repo"].replace("/", "-")} for row in rows[:count]]


def processes(*words):
    """The processes whose command line has all the words, by ID."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
        except (OSError, IndexError):
            continue
        if entry.name.isdigit() and state != "Z" and all(word in line for word in words):
            found[int(entry.name)] = line
    return found


def kill(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


class RunCase(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        self.addCleanup(scratch.cleanup)
        self.directory = pathlib.Path(scratch.name)
        self.use(self.directory)
        self.addCleanup(lambda: kill([*processes(str(self.directory)), *self.alive()]))

    def use(self, directory):
        self.directory = directory
        (directory / "locks").mkdir()
        self.root = directory / "builds/b"

    def batch(self, rows, command, parallelism=20, pod=None, **spec):
        """Writes batch.yaml, which JSON is too, with one stage of these rows."""
        container = {"name": "build", "image": "none", "command": command}
        stage = {"name": "image", "image": "r.example/x:$(name)",
                 "template": {"spec": {"containers": [container], **(pod or {})}}}
        batch = {"apiVersion": "imagebatch.dev/v1alpha1", "kind": "ImageBatch", "metadata": {"name": "b"},
                 "spec": {"parallelism": parallelism, "images": {"rows": rows}, "stages": [stage], **spec}}
        (self.directory / "batch.yaml").write_text(json.dumps(batch), encoding="utf-8")

    def build(self, seconds="0.1", *more):
        """The command of a build that proves that it is alone."""
        return [str(HERE / "build.sh"), str(self.directory), "$(name)", seconds, *more]

    def start(self, *options, **keywords):
        with open(self.directory / "out", "ab") as out:
            # Not our child's group: a signal to it is meant for it alone
            return subprocess.Popen([BINARY, "run", "batch.yaml", *options], cwd=self.directory, stdout=out,
                                    stderr=subprocess.STDOUT, start_new_session=True, **keywords)

    def finish(self, run):
        try:
            return run.wait(timeout=3 * PATIENCE)
        except subprocess.TimeoutExpired:
            kill([run.pid])
            self.fail("it does not end:\n" + self.out()[-3000:])

    def run_batch(self, *options):
        return self.finish(self.start(*options))

    def out(self):
        return (self.directory / "out").read_text(encoding="utf-8")

    def lines(self, name):
        path = self.directory / name
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def results(self):
        path = self.root / "results.jsonl"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []

    def stored(self):
        """How many whole lines the results have, while somebody may write them."""
        path = self.root / "results.jsonl"
        return path.read_bytes().count(b"\n") if path.exists() else 0

    def wait(self, condition, what):
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end:
                self.fail(f"{what} did not come:\n{self.out()[-3000:]}")
            time.sleep(0.02)

    def alive(self):
        """The processes that have the lock of a build open."""
        found = set()
        for link in pathlib.Path("/proc").glob("[0-9]*/fd/*"):
            try:
                if os.readlink(link).startswith(str(self.directory / "locks")):
                    found.add(int(link.parts[2]))
            except OSError:
                continue  # gone
        return found

    def expect_nobody_left(self):
        self.wait(lambda: not self.alive() and not processes(str(self.directory)), "the end of all processes")


def main():
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
