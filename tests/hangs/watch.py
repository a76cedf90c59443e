"""Runs one scenario under the real runner and says how the runner judged it."""
import dataclasses
import datetime
import json
import os
import pathlib
import secrets
import subprocess
import tempfile
import threading
import time

import launch

STARTUP = 20      # seconds in which a program is stuck, on a machine that does much else
TOLERANCE = 0.10  # of the threshold


@dataclasses.dataclass(frozen=True)
class Thresholds:
    """In seconds. Those of the runner's own defaults are not passed to it."""
    deadlock: float
    idle: float
    silent: float
    deadline: float
    sample: float
    defaults: bool = False

    @staticmethod
    def scaled(scale):
        # A tenth of the shortest is four samples: what is late is late for a reason.
        return Thresholds(8 * scale, 12 * scale, 16 * scale, 10 * scale, 0.2)

    @staticmethod
    def default():
        return Thresholds(30, 300, 1800, 0, 2, defaults=True)

    def of(self, label):
        return {"Deadlock": self.deadlock, "Idle": self.idle, "Busy": self.silent, "Looping": self.silent,
                "Overdue": self.deadline, "Deadline": self.deadline}[label]

    def by_which(self, scenario):
        """The threshold that the scenario is judged by."""
        if scenario.limit == "silent":
            return self.silent
        return self.of(scenario.label) * (3 if scenario.limit == "patient" else 1)

    def options(self, scenario):
        if self.defaults:
            return []
        names = {"--deadlock-after": self.deadlock, "--idle-after": self.idle, "--silent-after": self.silent,
                 "--sample-every": self.sample, "--grace": 1}
        if scenario.label == "Deadline":
            names["--deadline"] = self.deadline
        options = [text for name, seconds in names.items() for text in (name, f"{round(seconds * 1000)}ms")]
        if scenario.expect:
            options += ["--expect", f"{round(self.deadline * 1000)}ms={scenario.expect}"]
        return options

    def environment(self):
        return {"WAIT": f"{(self.deadlock * 1.1 + self.idle) / 2:.1f}",
                "WORK": f"{max(self.idle, self.silent) * 1.2:.1f}",
                "SILENT": f"{self.silent:.1f}"}


@dataclasses.dataclass(frozen=True)
class Seen:
    scenario: object
    found: str           # the class of the first verdict, "" where there was none
    delay: float | None  # seconds from the beginning of the hang to the verdict, the threshold taken off
    problem: str         # what is wrong, "" where nothing is
    verdict: str         # that verdict, or the runner's last state, as JSON


@dataclasses.dataclass(frozen=True)
class Row:
    """In what the rows of a batch differ."""
    name: str = "work"
    last_pid: int = 0  # what its processes follow on


def watch(runner, programs, scenario, thresholds, row=Row()):
    with tempfile.TemporaryDirectory(prefix="hangs-") as directory:
        return _Run(runner, programs, scenario, thresholds, pathlib.Path(directory), row).judge()


class _Run:
    def __init__(self, runner, programs, scenario, thresholds, directory, row):
        self.scenario, self.thresholds, self.directory = scenario, thresholds, directory
        self.stuck, self.marker = directory / "stuck", secrets.token_hex(8)
        self.command = [str(runner), *thresholds.options(scenario), "--state", str(directory / "state"), "--result",
                        str(directory / "result"), "--", *programs.arguments(scenario.command)]
        if scenario.refused:
            self.command = [*programs.arguments(["refuse.c"]), *self.command]
        self.server = programs.arguments(scenario.server.split()) if scenario.server else None
        self.sidecar = programs.arguments(scenario.sidecar.split()) if scenario.sidecar else None
        self.row = row
        self.work = directory / row.name
        self.work.mkdir()
        self.environment = {**os.environ, **thresholds.environment(), "STUCK": str(self.stuck),
                            "IMAGEBATCH_MARKER": self.marker, "TMPDIR": str(self.work), "ROW": row.name}

    def judge(self):
        started = time.time()
        verdict, code, errors = self._run()
        found = verdict["class"] if verdict else ""
        delay = self._delay(verdict, started) if verdict and self.scenario.label != "healthy" else None
        return Seen(self.scenario, found, delay, self._problem(found, delay, code, errors),
                    json.dumps(verdict) if verdict else self._state())

    def _state(self):
        try:
            return (self.directory / "state").read_text(encoding="utf-8").strip()
        except OSError:
            return ""

    def _run(self):
        """The first Hung verdict, or the exit code and the last of stderr."""
        server = launch.start_server(self.server, self.environment) if self.server else None
        limit = self._limit()
        with subprocess.Popen(launch.isolated(self.command, server.pid if server else None, self.sidecar, self.row.last_pid), cwd=self.work,
                              env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE) as run:
            timer = threading.Timer(limit, run.kill)
            timer.start()
            verdict, errors = None, []
            for line in run.stderr:
                verdict = self._verdict(line)
                if verdict:
                    break
                errors = errors[-4:] + [line.decode(errors="replace").strip()]
            timer.cancel()
            if verdict:
                run.kill()
        if server:
            server.kill()
            server.wait()
        return verdict, run.returncode, errors

    def _limit(self):
        if self.scenario.label == "healthy":
            return 2 * STARTUP + 3 * max(self.thresholds.idle, self.thresholds.silent)
        return STARTUP + 1.5 * self.thresholds.by_which(self.scenario)

    def _verdict(self, line):
        """The line as a verdict, where it is one and the runner's own."""
        if not line.startswith(b'{"imagebatch":'):
            return None
        try:
            verdict = json.loads(line)
        except ValueError:
            return None
        return verdict if verdict.get("marker") == self.marker and verdict.get("verdict") == "Hung" else None

    def _delay(self, verdict, started):
        begin = started if self.scenario.label == "Deadline" else None
        if begin is None and self.stuck.exists():
            begin = self.stuck.stat().st_mtime
        if begin is None:
            return None
        since = datetime.datetime.fromisoformat(verdict["since"].replace("Z", "+00:00")).timestamp()
        return since - begin - self.thresholds.by_which(self.scenario)

    def _problem(self, found, delay, code, errors):
        if self.scenario.label == "healthy":
            if found:
                return f"flagged {found}"
            return "" if code == 0 else f"ended with {code}: {' | '.join(errors)}"
        if not found:
            what = "not flagged" if code < 0 else f"ended with {code}: {' | '.join(errors)}"
            return what if self.stuck.exists() or self.scenario.label == "Deadline" else f"{what}; it was never stuck"
        if found != self.scenario.label:
            return f"flagged {found}"
        if delay is None:
            return "flagged before it was stuck"
        return f"flagged late, by {delay:.2f} s" if delay > self._tolerance() else ""

    def _tolerance(self):
        # At default settings the promise is 35 s for a threshold of 30.
        return 5 if self.thresholds.defaults else TOLERANCE * self.thresholds.by_which(self.scenario)
