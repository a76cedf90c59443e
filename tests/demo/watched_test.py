#!/usr/bin/env python3
"""Pods of no batch, as docs/any-job.md has them: the sample Job with a program that hangs raises the alert at the receiver,
and its evidence is in a record that belongs to it and goes with it. Its twins stay silent: the same program without the
label, and a healthy one with it. A Pod that is labelled and not wrapped is told so.

Usage: watched_test.py --image REFERENCE
"""
import copy
import datetime
import json
import sys
import time

import cluster
import yaml
from cluster import Failed

NAMESPACE = "any-job"
SECONDS = 120   # for each wait
SAMPLE = cluster.ROOT / "manifests/samples/any-job.yaml"
HANGS = ["sh", "-c", "echo waiting; sleep 1000 & wait"]
WORKS = ["sh", "-c", "i=0; while :; do i=$((i + 1)); echo step $i; dd if=/dev/urandom of=/dev/null bs=64k count=64; done"]


def wait_for(what, condition):
    print(f"waiting for {what}, at most {SECONDS} s", flush=True)
    deadline = time.monotonic() + SECONDS
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise Failed(f"{what}: not within {SECONDS} s\n{cluster.describe_alerts()}\n{describe()}")
        time.sleep(0.5)


def describe():
    return cluster.kubectl("get", "pods,events,imagebatchrecords", "-n", NAMESPACE, "-o", "wide", check=False)


def job(name, image, command, labelled=True, wrapped=True):
    """The sample, with what is this test's own: images that are here, little work, a short limit."""
    made = copy.deepcopy(yaml.safe_load(SAMPLE.read_text(encoding="utf-8")))
    made["metadata"] = {"name": name, "namespace": NAMESPACE}
    made["spec"]["backoffLimit"] = 0
    template = made["spec"]["template"]
    spec = template["spec"]
    spec["terminationGracePeriodSeconds"] = 1
    container, init = spec["containers"][0], spec["initContainers"][0]
    init["image"], container["image"] = image, f"{cluster.REGISTRY}/base:1"
    for each in (init, container):
        each["resources"] = {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "200m"}}
    options = container["command"][:container["command"].index("--")]
    container["command"] = [*options, "--idle-after=5s", "--", *command] if wrapped else command
    if not wrapped:
        del container["env"], container["readinessProbe"]
    if not labelled:
        del template["metadata"]
    return made


def items(kind):
    return (cluster.get(kind, "-n", NAMESPACE) or {"items": []})["items"]


def pod_of(name):
    for pod in items("pods"):
        if pod["metadata"]["labels"].get("batch.kubernetes.io/job-name") == name:
            return pod
    return None


def is_ready(name):
    conditions = (pod_of(name) or {}).get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def events_of(name, reason):
    return [event for event in items("events") if event["reason"] == reason
            and event["involvedObject"]["name"] == pod_of(name)["metadata"]["name"]]


def alerts_since(since):
    return [alert for alert, _ in cluster.alerts(NAMESPACE, since) if alert["status"] == "firing"]


def check_record(name):
    """Evidence that belongs to the Job."""
    uid = cluster.get("job", name, "-n", NAMESPACE)["metadata"]["uid"]
    records = items("imagebatchrecords")
    if not records:
        return None
    if len(records) != 1:
        raise Failed(f"{len(records)} records, where one hangs")
    record, = records
    owner, = record["metadata"]["ownerReferences"]
    if (owner["kind"], owner["name"], owner["uid"]) != ("Job", name, uid):
        raise Failed(f"the record belongs to {owner}")
    if json.loads(record["evidence"])["class"] != "Idle" or "waiting" not in record["log"]:
        raise Failed(f"not the evidence of this hang: {record}")
    return record


def main(arguments):
    if len(arguments) < 2 or arguments[0] != "--image":
        raise Failed(__doc__)
    image = arguments[1]
    cluster.install(image)
    cluster.fresh_namespace(NAMESPACE)
    since = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
    cluster.apply(job("hangs", image, HANGS), job("unlabelled", image, HANGS, labelled=False), job("works", image, WORKS),
                  job("unwrapped", image, HANGS, wrapped=False))
    wait_for("a ready Pod of the healthy twin", lambda: is_ready("works"))
    alert = wait_for("the alert", lambda: alerts_since(since))[0]
    labels = alert["labels"]
    expected = {"alertname": "ImageBatchWatchedPodHung", "owner_kind": "Job", "owner_name": "hangs", "container": "main",
                "class": "Idle", "pod": pod_of("hangs")["metadata"]["name"]}
    if {key: labels.get(key) for key in expected} != expected:
        raise Failed(f"the alert has {labels}, not {expected}")
    print(alert["annotations"]["summary"])
    wait_for("the record", lambda: check_record("hangs"))
    wait_for("the Event on the Pod", lambda: events_of("hangs", "PodHung"))
    told = wait_for("the Event on the Pod that is not wrapped", lambda: events_of("unwrapped", "NotWatched"))
    print(told[0]["message"])
    # The unlabelled twin hangs as well, which its runner says and nobody asks
    wait_for("the unlabelled twin's own verdict", lambda: pod_of("unlabelled") and not is_ready("unlabelled"))
    time.sleep(10)   # evaluations are once a second: what was wrong would have come
    others = [a["labels"] for a in alerts_since(since) if a["labels"].get("owner_name") != "hangs"]
    if others or not is_ready("works") or len(events_of("hangs", "PodHung")) != 1:
        raise Failed(f"others were told: {others}\n{describe()}")
    cluster.kubectl("delete", "job", "hangs", "-n", NAMESPACE, "--cascade=background")
    wait_for("the end of the record with its Job", lambda: not items("imagebatchrecords"))
    cluster.kubectl("delete", "namespace", NAMESPACE, "--wait=false")
    print("the hung Pod was told, and no other")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Failed as failure:
        sys.exit(f"\nerror: {failure}")
