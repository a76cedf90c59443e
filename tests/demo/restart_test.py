#!/usr/bin/env python3
"""A controller that is killed, and one that helm upgrades, while the alert of a hung build fires: the receiver hears
nothing of either.

Usage: restart_test.py --image REFERENCE [what ./dev demo takes]
"""
import datetime
import json
import sys
import time

import cluster
import demo
from cluster import Failed, kubectl

SECONDS = 120  # for each wait


def wait_for(what, condition):
    print(f"waiting for {what}, at most {SECONDS} s", flush=True)
    deadline = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise Failed(f"{what}: not within {SECONDS} s\n{cluster.describe_alerts()}")
        time.sleep(0.5)


def controller_pod():
    pods = (cluster.get("pods", "-n", "imagebatch", "-l", "app.kubernetes.io/name=imagebatch") or {"items": []})["items"]
    ready = [pod for pod in pods if any(c["type"] == "Ready" and c["status"] == "True"
                                        for c in pod.get("status", {}).get("conditions", []))
             and not pod["metadata"].get("deletionTimestamp")]
    return ready[0]["metadata"] if len(ready) == 1 else None


def hung_build_is_known(pod):
    return bool(cluster.query(f'imagebatch_hung_build_since_timestamp_seconds{{pod="{pod}"}}'))


def evaluated_since(moment):
    groups = cluster.prometheus("rules")["groups"]
    return min(cluster.moment(group["lastEvaluation"]) for group in groups) > moment


def heard(since, batch):
    """What the receiver has got since a moment, without batches of others and of earlier demos: their alerts outlast them by
    ten minutes."""
    for line in (cluster.CLUSTER / "alerts.jsonl").read_text().splitlines():
        notification = json.loads(line)
        if notification["receivedAt"] >= since:
            yield from ((alert["labels"]["alertname"], alert["status"]) for alert in notification["alerts"]
                        if alert["labels"].get("batch", batch) == batch
                        and ("batch" not in alert["labels"] or alert["labels"]["namespace"] == demo.NAMESPACE))


def replaced(what, act, pod):
    """Does it to the controller, and waits until its successor's word has been through the rules."""
    before = controller_pod()
    print(what, flush=True)
    act()
    wait_for("another controller", lambda: controller_pod() and controller_pod()["uid"] != before["uid"])
    wait_for("its word on the hung build", lambda: hung_build_is_known(pod))
    known = time.time()
    # Ten seconds of evaluations once a second: a notification of the gap would have come by then
    wait_for("ten seconds of evaluations", lambda: evaluated_since(known + 10))


def main():
    options = demo.arguments()
    status, _ = demo.run(options)
    progress = status["lastProgressTime"]
    events = len(demo_events())
    since = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
    pod = status["hungBuilds"][0]["pod"]
    replaced("kill -9 of the controller", cluster.kill_controller, pod)
    replaced("helm upgrade", lambda: cluster.install(options.image, "--set-string", "podAnnotations.upgraded=yes"), pod)
    if told := list(heard(since, options.batch)):
        raise Failed(f"the receiver heard of a restart: {told}")
    firing = cluster.query(f'ALERTS{{alertname="ImageBuildHung",alertstate="firing",namespace="{demo.NAMESPACE}",'
                           f'batch="{options.batch}"}}')
    if len(firing) != 1:
        raise Failed(f"the alert should still fire: {firing}")
    now = cluster.get("imagebatch", options.batch, "-n", demo.NAMESPACE)["status"]
    if now["lastProgressTime"] != progress:
        raise Failed(f"a restart counted as progress: {progress}, then {now['lastProgressTime']}")
    if len(demo_events()) != events:
        raise Failed("a restart told the hang again:\n" + kubectl("get", "events", "-n", demo.NAMESPACE))
    print("nothing was heard of either; the alert still fires")


def demo_events():
    items = (cluster.get("events", "-n", demo.NAMESPACE) or {"items": []})["items"]
    return [item for item in items if item["reason"] == "BuildHung"]


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"\nerror: {failure}")
