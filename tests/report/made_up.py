#!/usr/bin/env python3
"""Results of a batch that never ran, with the names of real images: times as in the batch of the README, some failures of a few
kinds, hangs of two kinds with evidence, retries. The same arguments give the same results.

Usage: made_up.py DIRECTORY [BUILDS [PARALLELISM]]      writes DIRECTORY/results.jsonl and DIRECTORY/evidence
"""
import datetime
import heapq
import json
import pathlib
import random
import sys

ROWS = pathlib.Path(__file__).resolve().parents[1] / "data/swebench-verified.jsonl"
START = datetime.datetime(2026, 3, 13, 9, 30, tzinfo=datetime.timezone.utc)
FAILURES = [
    ("Error", "Build", "the command ended with exit code 1: E: Failed to fetch http://deb.debian.org/debian/pool/main (503)"),
    ("OOMKilled", "Build", "container build exceeded its memory limit of 4Gi"),
    ("Error", "Build", "the command ended with exit code 1: toomanyrequests: You have reached your pull rate limit"),
    ("DeletionByTaintManager", "Infrastructure", "node worker-3 was lost"),
]
HANGS = [
    ("Deadlock", "WaitCycle", "c3847c72e8b4",
     "fork_pool.py waits at `with self.buffer_lock:` in BufferedHandler.emit for a Lock that nobody is left to unlock"),
    ("Idle", "NoActivity", "09ab33d1f0c2", "buildctl waits for data from TCP 10.0.4.17:1234 (established)"),
]


def evidence(pid, made):
    """As the runner writes it, of an attempt that hung."""
    since = made["hung_since"].replace("Z", ".000Z")
    if made["class"] == "Idle":
        return {"verdict": "Hung", "class": "Idle", "reason": "NoActivity", "since": since,
                "message": "nothing for 300 s: no CPU, I/O, network traffic, output or new processes",
                "fingerprint": made["fingerprint"], "summary": made["summary"],
                "evidence": {"waits": [f"pid {pid} buildctl: waits for data from TCP 10.0.4.17:1234 (established)"],
                             "processes": [{"pid": pid, "state": "S", "syscall": "futex", "cpuSeconds": 0.2,
                                            "command": "buildctl build --frontend dockerfile.v0"}],
                             "output": ["#14 exporting layers 79.4s done", "#14 pushing layers"]}}
    return {"verdict": "Hung", "class": "Deadlock", "reason": "WaitCycle", "since": since,
            "message": f"5 processes wait only for one another: pid {pid} waits for pid {pid + 2}, which waits for a lock only "
                       "it could release; nothing else for 56 s (CPU, I/O, network traffic, output, new processes)",
            "fingerprint": made["fingerprint"], "summary": made["summary"],
            "evidence": {
                "deadlock": [f"pid {pid} fork_pool.py: its main thread waits for pid {pid + 2}",
                             f"pid {pid + 2} fork_pool.py: its only thread waits for itself"],
                "stacks": [
                    {"pids": [pid + 2, pid + 3, pid + 4, pid + 5], "python": "3.11.2",
                     "threads": [{"thread": "main", "waitsFor": "a Lock that is locked, and no other thread is left in this "
                                  "process to unlock it: copied, locked, through fork (or locked twice by this thread)",
                                  "at": "/ctx/fork_pool.py:34 BufferedHandler.emit `with self.buffer_lock:` < "
                                        "logging/__init__.py:978 Handler.handle <~ fork_pool.py:43 announce <~ (forked)"}]},
                    {"pids": [pid], "python": "3.11.2",
                     "threads": [{"thread": "main",
                                  "at": "threading.py:320 Condition.wait < concurrent/futures/_base.py:451 Future.result < "
                                        "/ctx/fork_pool.py:71 run `return result.result()` < fork_pool.py:83 main"}]}],
                "processes": [{"pid": pid + add, "state": "S", "syscall": "futex", "cpuSeconds": 0.4 + add,
                               "command": "python3 /ctx/fork_pool.py"} for add in (0, 2, 3, 4, 5)],
                "output": ["#11 41.92 Collecting numpy", "#11 43.07 Building wheels for collected packages: numpy"]}}


def line(chance, stage, name, attempt, start, seconds, outcome):
    end = start + seconds
    stamp = [(START + datetime.timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%SZ") for second in (start, end, end + 2)]
    made = {"time": stamp[2], "stage": stage, "name": name, "status": "built", "error": None, "reason": "Succeeded",
            "class": None, "attempt_count": attempt, "tags": [f"registry.example:5000/{stage}:{name}"],
            "started_at": stamp[0], "finished_at": stamp[1], "duration_seconds": seconds, "build": "abcdefghij",
            "job": f"b-{attempt}", "pod": "p", "node": f"worker-{chance.randrange(8)}",
            "phases": [{"name": "exporting to image", "seconds": round(seconds * 0.2, 1)},
                       {"name": "pushing layers", "seconds": round(seconds * 0.1, 1)}]}
    if outcome == "built":
        return made
    made.update(status="failed", tags=[])
    if isinstance(outcome, int):
        kind, reason, fingerprint, summary = HANGS[outcome]
        since = START + datetime.timedelta(seconds=end - min(seconds / 2, 400))
        made.update({"error": f"Hung: {summary}", "reason": "Hung", "cause": "Hang", "class": kind, "hang_reason": reason,
                     "hung_since": since.strftime("%Y-%m-%dT%H:%M:%SZ"), "fingerprint": fingerprint, "summary": summary,
                     "hangs": {kind: 1}, "evidence_record": f"evidence/{stage}/{name}.{attempt}.json"})
    else:
        reason, cause, message = outcome
        made.update(error=f"{reason}: {message}", reason=reason, cause=cause)
    return made


def skipped(stage, name):
    """As the controller writes it where the image is in the registry already."""
    stamp = START.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"time": stamp, "stage": stage, "name": name, "tags": [f"registry.example:5000/{stage}:{name}"],
            "status": "skipped_remote_exists", "skip_reason": "the image exists", "digest": "sha256:" + "0" * 64, "error": None,
            "class": None, "attempt_count": 0, "started_at": None, "finished_at": stamp, "duration_seconds": 0,
            "build": "abcdefghij"}


def outcome_of(chance, number, attempt):
    if attempt == 1 and number % 97 == 12:
        return 0
    if attempt == 1 and number % 211 == 60:
        return 1
    if chance.random() < (0.03 if attempt == 1 else 0.4):
        return chance.choices(FAILURES, weights=[5, 2, 2, 1])[0]
    return "built"


def simulate(builds, parallelism):
    chance = random.Random(7)
    names = [json.loads(row)["instance_id"] for row in ROWS.read_text(encoding="utf-8").splitlines()]
    environments = max(1, builds // 8)
    work = [("base", f"env-{number:03}") for number in range(environments)]
    work += [("image", names[number % len(names)] + (f"-{number // len(names)}" if number >= len(names) else ""))
             for number in range(builds - environments)]
    free = [chance.uniform(0, 5) for _ in range(parallelism)]
    heapq.heapify(free)
    there, work = work[40::25], [one for number, one in enumerate(work) if number < 40 or (number - 40) % 25 != 0]
    queue, lines = [(stage, name, 1, 0) for stage, name in work], [skipped(stage, name) for stage, name in there]
    while queue:
        stage, name, attempt, after = queue.pop(0)
        start = max(heapq.heappop(free) + chance.uniform(0.5, 3), after)
        outcome = outcome_of(chance, len(lines), attempt)
        seconds = chance.lognormvariate(4.7 if stage == "image" else 5.1, 0.45)
        if isinstance(outcome, int):
            seconds += chance.uniform(300, 900)
        elif outcome != "built":
            seconds *= chance.uniform(0.1, 0.9)
        heapq.heappush(free, start + seconds)
        made = line(chance, stage, name, attempt, int(start), round(seconds, 1), outcome)
        lines.append(made)
        if made["status"] == "failed" and attempt < 3:
            queue.insert(min(len(queue), parallelism), (stage, name, attempt + 1, start + seconds + 10 * attempt))
    return sorted(lines, key=lambda made: made["finished_at"])


def write(directory, builds, parallelism):
    directory.mkdir(parents=True, exist_ok=True)
    lines = simulate(builds, parallelism)
    (directory / "results.jsonl").write_text("".join(json.dumps(made) + "\n" for made in lines), encoding="utf-8")
    for number, made in enumerate(lines):
        if "evidence_record" in made:
            path = directory / made["evidence_record"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(evidence(7 + number, made)), encoding="utf-8")


if __name__ == "__main__":
    write(pathlib.Path(sys.argv[1]), *[int(word) for word in (sys.argv[2:] + ["500", "16"])[:2]])
