#!/usr/bin/env python3
"""How fast hangs are told in Pods, and that nothing else is: builds on the test cluster, a tenth of which hang.

    hang_delay.py [--pods 100] [--hung 10] [--scale 1]

Installs the chart, with the controller of this tree, and applies one batch. Some builds are hung programs of the corpus
(tests/hangs), the others work. For each hung build it takes the moment of the runner's verdict, by the runner's own log, and how much later the
status, the metric and the receiver of the alert had it; prints them beside the targets of the design.
"""
import argparse
import datetime
import json
import pathlib
import statistics
import subprocess
import sys
import threading
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "demo"))
import cluster  # noqa: E402
from cluster import Failed, kubectl, moment  # noqa: E402

BATCH = "hangs"
NAMESPACE = "hangs"
PROGRAMS = cluster.ROOT / "tests" / "hangs"
FILES = ("fork_pool.py", "programs/common.py", "programs/dead.py", "programs/idle.py", "programs/busy.py",
         "programs/looping.py", "programs/working.py")
HUNG = [("Deadlock", "fork_pool.py -- true"), ("Idle", "idle.py heartbeat_thread"), ("Busy", "busy.py spin"),
        ("Looping", "looping.py heartbeat"), ("Deadlock", "dead.py mutual_join"), ("Idle", "idle.py silent_server"),
        ("Busy", "busy.py regular_expression"), ("Looping", "looping.py retry_counter"),
        ("Deadlock", "dead.py full_pipes"), ("Idle", "idle.py timed_join")]
HEALTHY = ("working.py byte_count", "working.py percentage", "working.py new_lines")
# Seconds. Idle and silent are scaled down; the healthy builds are never silent for more than a second or two.
THRESHOLDS = {"deadlockSeconds": 30, "idleSeconds": 60, "silentSeconds": 90}
START_SECONDS = 300  # until all Pods run
TARGETS = {"status": 15, "metric": 15, "alert": 30}


def prepare_images():
    """The images of the builds and of the controller, in the cluster's registry; the reference of the latter."""
    scripts = cluster.ROOT / "tests" / "cluster"
    subprocess.run([scripts / "images.sh", "builder"], check=True)
    return subprocess.run([scripts / "image.sh"], check=True, text=True, stdout=subprocess.PIPE).stdout.strip()


def make_rows(pods, hung):
    """The rows, the hung ones spread among them, and the class that each of those must be given."""
    rows, expected = [], {}
    for index in range(pods):
        name = f"build-{index:03}"
        program = HEALTHY[index % len(HEALTHY)]
        if (index + 1) * hung // pods > index * hung // pods:
            expected[name], program = HUNG[len(expected) % len(HUNG)]
        file, _, arguments = program.partition(" ")
        rows.append({"name": name, "file": file, "arguments": arguments})
    return rows, expected


def batch(rows, thresholds):
    build = {
        "name": "build",
        "image": f"{cluster.REGISTRY}/builder:1",
        # The words of the arguments are the row's; no value becomes part of the script.
        "command": ["sh", "-c", 'exec python3 "/corpus/$FILE" $ARGUMENTS'],
        "env": [{"name": "FILE", "value": "$(file)"}, {"name": "ARGUMENTS", "value": "$(arguments)"},
                {"name": "STUCK", "value": "/tmp/stuck"}, {"name": "WORK", "value": str(give_up_after(thresholds))},
                {"name": "SILENT", "value": str(thresholds["silentSeconds"])}],
        # Programs that spin must not take the node with them.
        "resources": {"limits": {"cpu": "100m"}, "requests": {"cpu": "10m"}},
        "volumeMounts": [{"name": "corpus", "mountPath": "/corpus"}],
    }
    pod = {"terminationGracePeriodSeconds": 1, "containers": [build],
           "volumes": [{"name": "corpus", "configMap": {"name": "corpus"}}]}
    return {
        "apiVersion": "imagebatch.dev/v1alpha1", "kind": "ImageBatch",
        "metadata": {"name": BATCH, "namespace": NAMESPACE},
        "spec": {"parallelism": len(rows), "images": {"rows": rows}, "hang": thresholds,
                 "stages": [{"name": "image", "image": f"{cluster.REGISTRY}/hangs:$(name)", "template": {"spec": pod}}]},
    }


class Status(threading.Thread):
    """Watches the batch, and keeps when each build was first among the hung ones, and as what."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seen, self.classes = {}, {}
        template = '{{with .status}}{{range .hungBuilds}}{{.name}}={{.class}} {{end}}{{end}}{{"\\n"}}'
        self.process = subprocess.Popen(
            [cluster.TOOLS / "kubectl", "get", "imagebatch", BATCH, "-n", NAMESPACE, "--watch",
             f"--output=go-template={template}"],
            env=cluster.ENVIRONMENT, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def run(self):
        for line in self.process.stdout:
            for word in line.split():
                name, _, hang_class = word.partition("=")
                self.seen.setdefault(name, time.time())
                self.classes.setdefault(name, set()).add(hang_class)


class Metrics(threading.Thread):
    """Scrapes the controller ten times a second, and keeps when each build was first shown as hung."""

    def __init__(self, since):
        super().__init__(daemon=True)
        self.seen, self.failures, self.since = {}, 0, int(since)
        pods = cluster.get("pods", "-n", "imagebatch", "-l", "app.kubernetes.io/name=imagebatch")["items"]
        address = next(pod["status"]["podIP"] for pod in pods if pod["status"].get("phase") == "Running")
        self.url = f"http://{address}:8080/metrics"

    def run(self):
        while True:
            try:
                with urllib.request.urlopen(self.url, timeout=5) as response:
                    text = response.read().decode()
            except OSError:
                self.failures += 1
                text = ""
            for build in cluster.hung_since(text, NAMESPACE, self.since):
                self.seen.setdefault(build, time.time())
            time.sleep(0.1)


def alerts(since):
    """When the receiver first had the alert of each hung build's group; here each is of its own kind."""
    seen, builds = {}, {}
    for hung in (cluster.get("imagebatch", BATCH, "-n", NAMESPACE) or {}).get("status", {}).get("hungBuilds", []):
        builds.setdefault(hung["fingerprint"], []).append(hung["name"])
    for alert, received in cluster.alerts(NAMESPACE, since):
        if alert["labels"]["alertname"] == "ImageBuildHung" and alert["status"] == "firing":
            for build in builds.get(alert["labels"]["fingerprint"], []):
                seen.setdefault(build, moment(received))
    return seen


def verdicts():
    """When the runner reached its verdict on each hung build, by its own log line."""
    found = {}
    for hung in cluster.get("imagebatch", BATCH, "-n", NAMESPACE)["status"]["hungBuilds"]:
        for line in kubectl("logs", "-n", NAMESPACE, hung["pod"], "-c", "build").splitlines():
            if line.startswith('{"imagebatch":"evidence"'):
                found.setdefault(hung["name"], moment(json.loads(line)["since"]))
    return found


def give_up_after(thresholds):
    return START_SECONDS + 2 * max(thresholds.values())


def wait_for_all(expected, thresholds, since, status, metrics):
    """Until the status, the metric and the receiver have all hung builds, and for a while longer: nothing may come."""
    start = time.monotonic()
    running = None
    while True:
        state = (cluster.get("imagebatch", BATCH, "-n", NAMESPACE) or {}).get("status", {})
        elapsed = time.monotonic() - start
        if running is None and state.get("total") and state.get("running") == state["total"]:
            running = elapsed
            print(f"all {state['total']} Pods run after {running:.0f} s", flush=True)
        have = [set(status.seen), set(metrics.seen), set(alerts(since))]
        if running is not None and all(seen >= set(expected) for seen in have):
            break
        if elapsed > give_up_after(thresholds):
            missing = {name: sorted(set(expected) - seen) for name, seen in zip(TARGETS, have)}
            raise Failed(f"hung builds were not told: {missing}; {state}")
        time.sleep(1)
    # As long as the longest threshold after the last Pod ran: every healthy build has then had the time to be flagged.
    time.sleep(max(0.0, running + max(thresholds.values()) * 1.1 - (time.monotonic() - start)))


def report(expected, since, status, metrics):
    reached = verdicts()
    seen = {"status": status.seen, "metric": metrics.seen, "alert": alerts(since)}
    print(f"\nafter the runner's verdict, in seconds, of {len(expected)} hung builds:")
    print(f"  {'':8}{'p50':>7}{'p99':>7}{'max':>7}   target")
    for name, times in seen.items():
        delays = sorted(times[build] - reached[build] for build in expected)
        p99 = delays[min(len(delays) - 1, int(0.99 * len(delays)))]
        print(f"  {name:8}{statistics.median(delays):7.1f}{p99:7.1f}{delays[-1]:7.1f}   {TARGETS[name]}")
    flagged = set().union(*seen.values())
    false = sorted(flagged - set(expected))
    wrong = {build: sorted(status.classes[build]) for build in expected if status.classes[build] != {expected[build]}}
    print(f"healthy builds flagged: {len(false)}; hung builds in another class: {len(wrong)}")
    if false or wrong:
        raise Failed(f"flagged though healthy: {false}; in another class than {expected}: {wrong}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pods", type=int, default=100, help="how many builds (100)")
    parser.add_argument("--hung", type=int, default=10, help="how many of them hang (10)")
    parser.add_argument("--scale", type=float, default=1, help="of the thresholds; 1: 30, 60 and 90 s")
    options = parser.parse_args()
    thresholds = {name: round(seconds * options.scale) for name, seconds in THRESHOLDS.items()}
    rows, expected = make_rows(options.pods, options.hung)
    image = prepare_images()
    since = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
    cluster.install(image)
    cluster.fresh_namespace(NAMESPACE)
    files = {pathlib.Path(name).name: (PROGRAMS / name).read_text(encoding="utf-8") for name in FILES}
    cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "corpus", "namespace": NAMESPACE},
                   "data": files}, batch(rows, thresholds))
    status, metrics = Status(), Metrics(moment(since))
    status.start()
    metrics.start()
    try:
        wait_for_all(expected, thresholds, since, status, metrics)
        report(expected, since, status, metrics)
    finally:
        status.process.kill()
        kubectl("delete", "namespace", NAMESPACE, "--wait=false", check=False)


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"\nerror: {failure}")
