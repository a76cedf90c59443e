#!/usr/bin/env python3
"""The runner on its own, as docs/runner.md tells it: its --help, what it adds to the end of a log, and the commands of the samples
in manifests/samples/runner, run as the product would run them.

Usage: alone_test.py RUNNER [ARGUMENT OF unittest...]
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import unittest

import yaml

RUNNER = pathlib.Path(sys.argv[1]).resolve()
TREE = pathlib.Path(__file__).resolve().parents[2]
SAMPLES = TREE / "manifests/samples/runner"
PAGE = (TREE / "docs/runner.md").read_text(encoding="utf-8")
SCREEN_LINES, SCREEN_COLUMNS = 40, 120
ENDING_LINES = 24
PATIENCE = 300  # seconds; on however busy a machine
QUICK = ("--sample-every", "100ms", "--grace", "500ms")
# The command of all samples, which may not be installed: one process waits for a lock that its parent holds, which waits for
# its end.
MAKE = "#!/bin/sh\necho building\nflock lock flock lock true\n"


def environment(**more):
    return {**{name: value for name, value in os.environ.items() if name != "IMAGEBATCH_MARKER"}, **more}


def run(*words, **more):
    """Exit code and the log, in which both streams are one."""
    done = subprocess.run([RUNNER, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
                          timeout=PATIENCE, check=False, env=environment(**more))
    return done.returncode, done.stdout


def ending(log):
    """What the runner has added to the end of a log."""
    at = log.rfind("\nimagebatch-runner: ") + 1
    return log[at:] if log.startswith("imagebatch-runner: ", at) else ""


class HelpTest(unittest.TestCase):
    HELP = subprocess.run([RUNNER, "--help"], capture_output=True, text=True, timeout=60, check=True).stdout

    def test_it_fits_a_screen_and_has_an_example_that_works(self):
        lines = self.HELP.splitlines()
        self.assertLessEqual(len(lines), SCREEN_LINES)
        self.assertLessEqual(max(map(len, lines)), SCREEN_COLUMNS)
        example = re.search(r"^Example: imagebatch-runner (.* -- )make all$", self.HELP, re.MULTILINE).group(1)
        self.assertEqual(run(*shlex.split(example), "echo", "built"), (0, "built\n"))

    def test_the_page_has_its_options_and_no_others(self):
        offered = re.findall(r"^  (--[a-z-]+)", self.HELP.partition("\nOptions ")[2].partition("\n\n")[0], re.MULTILINE)
        self.assertGreater(len(offered), 10)
        self.assertEqual(re.findall(r"^\| `(--[a-z-]+)", PAGE, re.MULTILINE), offered)
        known = {*offered, "--help", "--version"}
        fenced = re.findall(r"`(imagebatch-runner [^`]*)`", PAGE) + re.findall(r"^imagebatch-runner .*$", PAGE, re.MULTILINE)
        for command in fenced:
            for option in re.findall(r"(?<= )(--[a-z-]+)", command.partition(" -- ")[0]):
                self.assertIn(option, known, command)

    def test_the_page_has_its_exit_codes(self):
        named = set(re.findall(r"\b(\d+)(?:\+n)?: ", self.HELP.partition("Exit codes: ")[2]))
        self.assertEqual(set(re.findall(r"^\| (\d+)", PAGE, re.MULTILINE)), named)

    def test_what_is_wrong_is_said_in_two_lines(self):
        for words, what in ((("make", "all"), "no -- before the command: make"), (("--slow", "--", "true"), "unknown option: --slow"),
                            ((), "no arguments")):
            self.assertEqual(run(*words), (2, "imagebatch-runner: " + what + "\nimagebatch-runner --help tells more\n"))


class EndingTest(unittest.TestCase):
    """Without a file of state or result."""

    def test_of_a_hang(self):
        code, log = run(*QUICK, "--idle-after", "1s", "--on-hang", "fail", "--", "sh", "-c", "echo working; sleep 1000")
        self.assertEqual(code, 124)
        self.assertTrue(log.startswith("working\n"))
        text = ending(log)
        self.assertRegex(text, r"^imagebatch-runner: the command hung and was ended after \d+ s; exit code 124\n"
                               r"  Hung: Idle \(NoActivity\) since 20\d\d-.*Z\n")
        for part in ("sleep 1000", "\n  What each waits for\n", "\n  Last output\n    working\n"):
            self.assertIn(part, text)
        self.assertLessEqual(text.count("\n"), ENDING_LINES)
        with tempfile.NamedTemporaryFile("w", suffix=".log") as file:
            file.write(log)
            file.flush()
            code, explained = run("explain", file.name)
        self.assertEqual((code, explained.splitlines()[0]), (0, text.splitlines()[1].strip()))

    def test_from_outside(self):
        for number, code, script in ((signal.SIGTERM, 143, "sleep 1000"), (signal.SIGINT, 130, "exec sleep 1000")):
            process = subprocess.Popen([RUNNER, *QUICK, "--", "sh", "-c", "echo working; " + script], stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, text=True, env=environment())
            with process:
                self.assertEqual(process.stdout.readline(), "working\n")
                process.send_signal(number)
                text = process.stdout.read()
            self.assertEqual(process.returncode, code)
            self.assertRegex(text, r"^imagebatch-runner: ended by %s from outside after \d+ s: the command did not hang until then; "
                                   r"exit code %d\n  Progressing since " % (number.name, code))
            for part in ("last progress 20", "sleep 1000: ", "\n  Last output\n    working\n"):
                self.assertIn(part, text)

    def test_from_outside_while_it_hung_although_it_then_works_on(self):
        script = "trap 'echo tidying up; exit 0' TERM; echo working; while :; do sleep 1000 & wait; done"
        process = subprocess.Popen([RUNNER, *QUICK, "--idle-after", "1s", "--", "sh", "-c", script], stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, env=environment())
        with process:
            self.assertEqual(process.stdout.readline(), "working\n")
            self.assertEqual(json.loads(process.stdout.readline())["class"], "Idle")
            process.send_signal(signal.SIGTERM)
            text = process.stdout.read()
        self.assertEqual(process.returncode, 0)
        self.assertRegex(text, r"^tidying up\nimagebatch-runner: ended by SIGTERM from outside after \d+ s: the command hung; exit code 0\n"
                               r"  Hung: Idle")

    def test_by_a_signal(self):
        self.assertEqual(run("--", "sh", "-c", "kill -9 $$"),
                         (137, "imagebatch-runner: the command was killed by SIGKILL after 0 s; exit code 137\n"))

    def test_what_ends_by_itself_has_none(self):
        for code in (0, 3):
            self.assertEqual(run("--", "sh", "-c", "echo one; echo two >&2; exit %d" % code), (code, "one\ntwo\n"))

    def test_who_gives_a_marker_reads_the_lines_himself(self):
        code, log = run(*QUICK, "--idle-after", "1s", "--on-hang", "fail", "--", "sleep", "1000", IMAGEBATCH_MARKER="m")
        self.assertEqual(code, 124)
        self.assertEqual((ending(log), log.count("\n")), ("", 1))

    def test_a_log_that_nobody_reads_keeps_it_from_ending_for_some_seconds_only(self):
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        try:
            while True:
                os.write(writer, b"x" * 4096)
        except BlockingIOError:
            pass
        os.set_blocking(writer, True)
        words = [RUNNER, *QUICK, "--idle-after", "1s", "--on-hang", "fail", "--", "sleep", "1000"]
        done = subprocess.run(words, stdout=subprocess.DEVNULL, stderr=writer, timeout=PATIENCE, check=False, env=environment())
        os.close(reader)
        os.close(writer)
        self.assertEqual(done.returncode, 124)


class Place:
    """A checkout whose `make all` hangs, with the runner in the PATH."""

    def __init__(self, cleanup):
        scratch = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        cleanup(scratch.cleanup)
        self.path = pathlib.Path(scratch.name)
        tools = self.path / "tools"
        tools.mkdir()
        (tools / "imagebatch-runner").symlink_to(RUNNER)
        (tools / "make").write_text(MAKE, encoding="utf-8")
        (tools / "make").chmod(0o700)
        self.summary = self.path / "summary.md"
        self.variables = environment(PATH="%s:%s" % (tools, os.environ["PATH"]), GITHUB_STEP_SUMMARY=str(self.summary))

    def call(self, *words, **more):
        done = subprocess.run(words, cwd=self.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                              text=True, timeout=PATIENCE, check=False, env={**self.variables, **more})
        return done.returncode, done.stdout

    def script(self, shell, text, **more):
        file = self.path / "script"
        file.write_text(text, encoding="utf-8")
        return self.call(*shell, str(file), **more)


def sample(name):
    return (SAMPLES / name).read_text(encoding="utf-8")


class SamplesTest(unittest.TestCase):
    """The thresholds are those of the samples: each takes half a minute, so all are run at once."""

    @classmethod
    def setUpClass(cls):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            cls.results = {name: pool.submit(getattr(cls, "run_" + name), Place(cls.addClassCleanup))
                           for name in ("job", "github", "gitlab", "jenkins", "tekton", "argo")}

    def check(self, code, log):
        self.assertEqual(code, 124, log)
        self.assertTrue(log.startswith("building\n"), log)
        self.assertRegex(ending(log), r"^imagebatch-runner: the command hung and was ended after \d+ s; exit code 124\n"
                                      r"  Hung: Deadlock \(WaitCycle\) since ")
        self.assertIn("waits for a lock on", ending(log))

    @staticmethod
    def container(place, container, *others):
        """With the paths of this machine."""
        copies = [each for each in others if each["command"] == ["/usr/bin/imagebatch-runner", "install",
                                                                 "/imagebatch/imagebatch-runner"]]
        assert len(copies) == 1 and copies[0]["volumeMounts"] == container["volumeMounts"]
        copied = place.path / "imagebatch-runner"
        code, log = place.call(str(RUNNER), "install", str(copied))
        assert code == 0, log
        words = [word.replace("/imagebatch/imagebatch-runner", str(copied))
                 .replace("/dev/termination-log", str(place.path / "termination-log"))
                 for word in container["command"] + container.get("args", [])]
        return place.call(*words)

    @classmethod
    def run_job(cls, place):
        spec = yaml.safe_load(sample("job.yaml"))["spec"]["template"]["spec"]
        main, = spec["containers"]
        code, log = cls.container(place, main, *spec["initContainers"])
        return code, log, (place.path / "termination-log").read_text(encoding="utf-8")

    def test_job(self):
        code, log, account = self.results["job"].result()
        self.check(code, log)
        self.assertEqual(json.loads(account)["class"], "Deadlock")
        job = yaml.safe_load(sample("job.yaml"))["spec"]
        rule, = job["podFailurePolicy"]["rules"]
        self.assertEqual(rule["onExitCodes"], {"containerName": job["template"]["spec"]["containers"][0]["name"], "operator": "In",
                                               "values": [code]})

    @staticmethod
    def run_github(place):
        job, = yaml.safe_load(sample("github-actions.yaml"))["jobs"].values()
        steps = {step.get("name"): step for step in job["steps"]}
        # What a step without `shell` gets
        code, log = place.script(("bash", "-e"), steps["Build"]["run"])
        return code, log, place.script(("bash", "-e"), steps["Say why it hung"]["run"]), place.summary.read_text(encoding="utf-8"), steps

    def test_github(self):
        code, log, said, summary, steps = self.results["github"].result()
        self.check(code, log)
        self.assertEqual(said, (0, ""))
        self.assertRegex(summary, r"^```\nHung: Deadlock \(WaitCycle\) since (.*\n)+```\n$")
        self.assertIn("steps.%s.outcome" % steps["Build"]["id"], steps["Say why it hung"]["if"])

    @staticmethod
    def run_gitlab(place):
        job = yaml.safe_load(sample("gitlab-ci.yaml"))["build"]
        shell = ("bash", "-eo", "pipefail")
        return (*place.script(shell, "\n".join(job["script"])),
                place.script(shell, "\n".join(job["after_script"]), CI_JOB_STATUS="failed"),
                place.script(shell, "\n".join(job["after_script"]), CI_JOB_STATUS="success"),
                [path for path in job["artifacts"]["paths"] if (place.path / path).is_file()], job)

    def test_gitlab(self):
        code, log, said, unsaid, kept, job = self.results["gitlab"].result()
        self.check(code, log)
        self.assertEqual((said[0], said[1][:14]), (0, "Hung: Deadlock"))
        self.assertEqual(unsaid, (0, ""))
        self.assertEqual(kept, job["artifacts"]["paths"])
        self.assertEqual(job["retry"]["exit_codes"], [code])

    @staticmethod
    def run_jenkins(place):
        text = sample("Jenkinsfile")
        build, explain = re.findall(r"^ +sh '(.*)'$", text, re.MULTILINE)
        kept, = re.findall(r"artifacts: '(.*)',", text)
        return (*place.script(("sh", "-e"), build), place.script(("sh", "-e"), explain),
                [path for path in kept.split(", ") if (place.path / path).is_file()])

    def test_jenkins(self):
        code, log, said, kept = self.results["jenkins"].result()
        self.check(code, log)
        self.assertEqual((said[0], said[1][:14]), (0, "Hung: Deadlock"))
        self.assertEqual(kept, ["hang.json", "hang.txt"])

    @classmethod
    def run_tekton(cls, place):
        first, build = yaml.safe_load(sample("tekton.yaml"))["spec"]["steps"]
        return cls.container(place, build, first)

    def test_tekton(self):
        self.check(*self.results["tekton"].result())

    @classmethod
    def run_argo(cls, place):
        template, = yaml.safe_load(sample("argo.yaml"))["spec"]["templates"]
        return cls.container(place, template["container"], *template["initContainers"])

    def test_argo(self):
        code, log = self.results["argo"].result()
        self.check(code, log)
        template, = yaml.safe_load(sample("argo.yaml"))["spec"]["templates"]
        self.assertEqual(template["retryStrategy"]["expression"], "asInt(lastRetry.exitCode) == %d" % code)

    def test_the_page_has_all_of_them(self):
        named = set(re.findall(r"\(\.\./manifests/samples/runner/([\w.-]+)\)", PAGE))
        self.assertEqual(named, {path.name for path in SAMPLES.iterdir()})


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
