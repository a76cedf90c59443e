#!/usr/bin/env python3
"""The whole story on the test cluster: installs the chart, applies the real batch, shows it running, and waits for the
alert that names the build that hangs. Called by ./dev demo.

    demo.py --image REFERENCE [--images N] [--on-hang flag|retry] [--help for more]
"""
import argparse
import datetime
import hashlib
import itertools
import json
import sys
import time

import cluster
from cluster import REGISTRY, Failed, kubectl

NAME = "swebench-verified"
NAMESPACE = "builds"
ROWS = cluster.ROOT / "tests" / "data" / "swebench-verified.jsonl"
CONTEXT = cluster.HERE / "context"
STATES = ["waiting", "queued", "held", "pending", "running", "hung", "skipped", "succeeded", "failed"]
ALERT_SECONDS = 60  # from the verdict to the alert at the receiver; longer, and something stands in between


def arguments():
    parser = argparse.ArgumentParser(prog="./dev demo", description="500 images is the whole batch.")
    parser.add_argument("--image", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--images", type=int, default=50, help="how many of the 500 images (50)")
    parser.add_argument("--on-hang", choices=["flag", "retry"], default="flag",
                        help="flag: the hung build is left as it is; retry: it is ended and built again (flag)")
    parser.add_argument("--again", action="store_true",
                        help="the same batch on the images of the last demo: only the one that hung is built")
    parser.add_argument("--parallelism", type=int, default=8, help="Jobs at once (8)")
    parser.add_argument("--deadlock-seconds", type=int, default=15, help="a proved deadlock counts after so long (15)")
    parser.add_argument("--kill-controller", type=int, default=0, metavar="TIMES",
                        help="kill -9 the controller so often while it works (0)")
    parser.add_argument("--restart-apiserver", type=int, default=0, metavar="TIMES",
                        help="kill the API server and start it again so often while it works (0)")
    parser.add_argument("--timeout", type=int, default=1800, help="seconds until the demo gives up (1800)")
    parsed = parser.parse_args()
    if not 1 <= parsed.images <= 500:
        parser.error("--images must be from 1 to 500")
    return parsed


def choose_rows(count):
    """So many rows, spread over the whole batch so that several environments are among them."""
    rows = [json.loads(line) for line in ROWS.read_text().splitlines()]
    return [rows[i * len(rows) // count] for i in range(count)]


def hanging_row(rows):
    return rows[len(rows) // 2]


def lines_of(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def image_of(row):
    return f"{REGISTRY}/eval-agent-server:4e5469e-{row['instance_id']}"


def context_files():
    files = {path.name: path.read_text() for path in CONTEXT.iterdir()}
    files["fork_pool.py"] = (cluster.ROOT / "tests" / "hangs" / "fork_pool.py").read_text()
    return files


def stage(name, build_arguments, **fields):
    pod = {
        "securityContext": {"runAsUser": 1000, "runAsGroup": 1000, "fsGroup": 1000, "runAsNonRoot": True},
        "terminationGracePeriodSeconds": 5,
        "containers": [{
            "name": "build",
            "image": "$(registry)/builder:1",
            "command": ["sh", "/ctx/entry.sh"],
            "args": [f"--opt=filename=Dockerfile.{name}"] + [f"--opt=build-arg:{a}" for a in build_arguments],
            "env": [
                {"name": "NAME", "value": "$(key)"},
                {"name": "HANG", "value": "$(hanging)"},
                {"name": "HANG_ON_ATTEMPTS", "value": "1"},
                {"name": "TARGET", "value": "$(image)"},
                {"name": "REGISTRY", "value": "$(registry)"},
                {"name": "IMAGEBATCH_ATTEMPT",
                 "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['imagebatch.dev/attempt']"}}},
            ],
            # What rootless BuildKit needs: newuidmap and newgidmap, and a user namespace
            "securityContext": {"capabilities": {"drop": ["ALL"], "add": ["SETUID", "SETGID"]},
                                "seccompProfile": {"type": "Localhost", "localhostProfile": "userns.json"}},
            "volumeMounts": [{"name": "context", "mountPath": "/ctx"},
                             {"name": "state", "mountPath": "/var/lib/buildkit"}],
        }],
        "volumes": [{"name": "context", "configMap": {"name": "context"}}, {"name": "state", "emptyDir": {}}],
    }
    return {"name": name, **fields, "template": {"spec": pod}}


def batch(options, hanging):
    return {
        "apiVersion": "imagebatch.dev/v1alpha1",
        "kind": "ImageBatch",
        "metadata": {"name": options.batch, "namespace": NAMESPACE},
        "spec": {
            "parallelism": options.parallelism,
            "images": {"configMaps": [{"name": "verified", "key": "rows.jsonl"}], "nameFrom": "$(instance_id)"},
            "variables": {"sha7": "4e5469e", "registry": REGISTRY, "hanging": hanging},
            # With the limit that is off by default all classes are on.
            "hang": {"deadlockSeconds": options.deadlock_seconds, "deadlineSeconds": 1800,
                     "action": options.on_hang.capitalize()},
            "stages": [
                stage("env", ["BASE=$(registry)/base:1", "REPO=$(repo)", "VERSION=$(version)"],
                      key="$(repo)-$(version)", image="$(registry)/eval-env/$(repo):$(version)"),
                stage("image", ["BASE=$(stages.env.image)", "NAME=$(name)", "COMMIT=$(base_commit)",
                                "DIFFICULTY=$(difficulty)"],
                      needs=["env"], image="$(registry)/eval-agent-server:$(sha7)-$(name)"),
            ],
        },
    }


def config_map(name, data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": NAMESPACE}, "data": data}


def spread(estimate):
    """40 to 70 s: from now to the earliest and the latest end."""
    now = datetime.datetime.now(datetime.timezone.utc)
    times = (datetime.datetime.fromisoformat(estimate[bound].replace("Z", "+00:00")) for bound in ("earliest", "latest"))
    return " to ".join(str(max(0, round((time - now).total_seconds()))) for time in times) + " s"


class Display:
    """One line that is written over on a terminal; a line for each change, at most every 5 s, elsewhere."""

    def __init__(self):
        self.live = sys.stdout.isatty()
        self.start = self.shown = time.monotonic()
        self.last = ""

    def status(self, status):
        seconds = int(time.monotonic() - self.start)
        line = "  ".join(f"{state} {status[state]}" for state in STATES if state in status)
        if end := status.get("estimatedCompletion"):
            line += "  done in " + spread(end)
        if self.live:
            print(f"\r\x1b[K{seconds:5d} s  {line}", end="", flush=True)
        elif line != self.last and time.monotonic() - self.shown >= 5:
            print(f"{seconds:5d} s  {line}", flush=True)
            self.shown, self.last = time.monotonic(), line

    def say(self, text):
        print(("\r\x1b[K" if self.live else "") + text, flush=True)


def show_alert(display, alert, received):
    labels, notes = alert["labels"], alert["annotations"]
    display.say(f"\nALERT {labels['alertname']}, as the receiver got it at {received}:")
    for key in ("namespace", "batch", "class", "fingerprint"):
        display.say(f"  {key:12}{labels.get(key, '')}")
    display.say(f"  {notes['summary']}\n  {notes['description']}\n  look: {notes.get('evidence', '')}\n")


class Faults:
    """The kills that were asked for, one at a time, some seconds apart, and only while there is work left."""

    def __init__(self, options, display):
        self.display = display
        self.left = [("the controller", cluster.kill_controller)] * options.kill_controller
        self.left += [("the API server", cluster.restart_apiserver)] * options.restart_apiserver
        self.next = time.monotonic() + 5

    def step(self):
        if not self.left or time.monotonic() < self.next or not cluster.controller_pids():
            return
        name, kill = self.left.pop()
        self.display.say(f"kill -9 of {name}; {len(self.left)} kills to come")
        kill()
        self.next = time.monotonic() + 7


def raise_if_failed(status):
    for condition in status.get("conditions", []):
        if condition["type"] == "Failed" and condition["status"] == "True":
            raise Failed(f"the batch failed: {condition['reason']}: {condition['message']}")


def watch(options, display, since):
    """Until all is built but what hangs, and the alert has come; with retry until all is built."""
    deadline = time.monotonic() + options.timeout
    faults = Faults(options, display)
    retry = options.on_hang == "retry"
    alerted = retry  # a build that is ended at once may be gone before an alert is due
    verdict = None
    while True:
        cluster.raise_if_a_daemon_failed()
        if time.monotonic() > deadline:
            raise Failed(f"not done within {options.timeout} s; look at: kubectl describe ib -n {NAMESPACE}")
        status = (cluster.get("imagebatch", options.batch, "-n", NAMESPACE) or {}).get("status", {})
        display.status(status)
        raise_if_failed(status)
        for alert, received in cluster.alerts(NAMESPACE, since):
            if not alerted and alert["labels"]["alertname"] == "ImageBuildHung" and alert["status"] == "firing":
                alerted = True
                show_alert(display, alert, received)
        faults.step()
        if not alerted and status.get("hungBuilds"):
            if verdict is None:
                display.say(f"the controller has told the hung build; waiting for the alert, at most {ALERT_SECONDS} s")
            verdict = verdict or time.monotonic()
            if time.monotonic() - verdict > ALERT_SECONDS:
                raise Failed(f"no alert {ALERT_SECONDS} s after the verdict\n{cluster.describe_alerts()}")
        total = status.get("total", 0)
        built = total > 0 and status["succeeded"] == total - (0 if retry else 1)
        if built and alerted and not faults.left and status["hung"] == (0 if retry else 1):
            return status
        time.sleep(0.5)


def expected_images(rows):
    env = {f"{REGISTRY}/eval-env/{row['repo']}:{row['version']}" for row in rows}
    return env | {image_of(row) for row in rows}


def created_jobs(since):
    """How often each Job was created, as the audit log has it."""
    creates = {}
    for event in cluster.audit(NAMESPACE, since):
        reference = event["objectRef"]
        if (event["verb"] == "create" and reference.get("resource") == "jobs" and not reference.get("subresource")
                and event.get("stage") == "ResponseComplete" and event.get("responseStatus", {}).get("code") == 201
                and "dryRun" not in event["requestURI"]):
            creates[reference["name"]] = creates.get(reference["name"], 0) + 1
    return creates


def check(options, rows, hanging, since):
    """Holds the results against the registry's catalogue, tag by tag, and the audit log against the Job names."""
    expected = expected_images(rows)
    if options.on_hang == "flag":
        expected.discard(image_of({"instance_id": hanging}))
    print("waiting for the last results to be stored, at most 60 s", flush=True)
    deadline = time.monotonic() + 60
    built = set()
    while built != expected and time.monotonic() < deadline:  # results are stored some seconds after the builds' end
        lines = cluster.results(NAMESPACE, options.batch)
        built = {tag for line in lines if line["status"] == "built" for tag in line["tags"]}
        time.sleep(0.5)
    pushed = {tag for tag in cluster.tags() if tag.startswith(f"{REGISTRY}/eval-")}
    for name, what in (("results", built), ("registry", pushed)):
        if what != expected:
            missing, extra = sorted(expected - what)[:5], sorted(what - expected)[:5]
            raise Failed(f"the {name} differ from what was to be built: missing {missing}, not expected {extra}")
    print(f"registry: {len(pushed)} images, the same as in the results, tag by tag")
    flagged = {line["name"]: line["hangs"] for line in lines if "hangs" in line and line["name"] != hanging}
    if flagged:
        raise Failed(f"builds that do not hang were found hung: {flagged}")
    print(f"verdicts: none but of {hanging}")
    creates = created_jobs(since)
    twice = [name for name, count in creates.items() if count > 1]
    if twice:
        raise Failed(f"Jobs created twice: {twice[:5]}")
    print(f"audit log: {len(creates)} Jobs, one create for each name")


def check_evidence(options, status):
    """The evidence of the hung attempt is kept as it is named, and outlives its Pod once the attempt has been ended."""
    if options.on_hang == "flag":
        reference = status["hungBuilds"][0]["evidence"]
    else:
        line = next(line for line in cluster.results(NAMESPACE, options.batch) if line["class"])
        reference = {"record": line["evidence_record"], "sha256": line["evidence_sha256"]}
        print(f"waiting for the end of Pod {line['pod']}, at most 60 s", flush=True)
        kubectl("delete", "pod", "-n", NAMESPACE, line["pod"], "--wait=true", "--timeout=60s")
    kept = cluster.get("imagebatchrecord", reference["record"], "-n", NAMESPACE)
    if kept is None:
        raise Failed(f"there is no ImageBatchRecord {reference['record']}")
    text = kept["evidence"]
    if hashlib.sha256(text.encode()).hexdigest() != reference["sha256"]:
        raise Failed(f"{reference['record']} does not hold what {reference['sha256']} is the digest of")
    evidence = json.loads(text)
    if evidence["class"] != "Deadlock" or not evidence["evidence"]["processes"] or "marker" in evidence:
        raise Failed(f"{reference['record']} is not the evidence of the deadlock: {text[:500]}")
    print(f"evidence: {evidence['message']}\n  kept in ImageBatchRecord {reference['record']}, with "
          f"{len(kept['log'].splitlines())} lines of the log")


def summarize(options, status, seconds):
    lines = cluster.results(NAMESPACE, options.batch)
    print(f"\n{status['succeeded']} of {status['total']} images built and pushed in {seconds:.0f} s, "
          f"{status['retried']} with more than one attempt")
    for name in ("env", "image"):
        took = sorted(line["duration_seconds"] for line in lines if line["stage"] == name and line["status"] == "built")
        print(f"  {name:6}{len(took):4} images, median {took[len(took) // 2]:.0f} s, longest {took[-1]:.0f} s")
    for line in lines:
        if line["class"]:
            print(f"  ended: {line['name']} attempt {line['attempt_count']}: {line['error']}")
    for hung in status["hungBuilds"]:
        print(f"  hangs: {hung['name']} since {hung['since']}: {hung['message']}")


def remove_images():
    """The images of an earlier demo, so that the check at the end sees this one's alone."""
    for path in (cluster.CLUSTER / "registry" / "docker" / "registry" / "v2" / "repositories").glob("eval-*"):
        for file in sorted(path.rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
        path.rmdir()


def free_name():
    """Alerts go on for ten minutes: those of an earlier demo would be taken for this one's, if its batch had that name."""
    names = itertools.chain([NAME], (f"{NAME}-{number}" for number in itertools.count(2)))
    return next(name for name in names if not cluster.query(f'ALERTS{{namespace="{NAMESPACE}",batch="{name}"}}'))


def run(options):
    """The demo itself; returns the last status, and since when alerts count as this demo's."""
    display = Display()
    rows = choose_rows(options.images)
    hanging = hanging_row(rows)["instance_id"]
    since = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
    options.batch = free_name()

    display.say(f"installing the chart, at most {cluster.INSTALL_SECONDS} s")
    cluster.install(options.image)
    display.say(f"waiting for an empty namespace {NAMESPACE}, at most {cluster.NAMESPACE_SECONDS} s")
    cluster.fresh_namespace(NAMESPACE)
    remove_images()
    cluster.apply(config_map("context", context_files()), config_map("verified", {"rows.jsonl": lines_of(rows)}),
                  batch(options, hanging))
    display.say(f"batch {options.batch}: {len(rows)} images, one of which hangs ({hanging})")
    display.start = time.monotonic()
    status = watch(options, display, since)
    seconds = time.monotonic() - display.start
    display.say("")
    print(kubectl("get", "imagebatch", "-n", NAMESPACE).rstrip())
    check(options, rows, hanging, since)
    check_evidence(options, status)
    summarize(options, status, seconds)
    return status, since


if __name__ == "__main__":
    try:
        run(arguments())
    except Failed as failure:
        sys.exit(f"\nerror: {failure}")
