#!/usr/bin/env python3
"""What a real batch costs and how fast a hang is told, measured while ./dev demo runs its batch on the test cluster.

    batch_cost.py --image REFERENCE [the demo's options]

Prints the controller's memory idle and during the batch, its writes per build by the API server's audit log, and the
moments of the hang: the runner's verdict, the Pod unready, the status, the metric, the alert at the receiver.
The reference of the delays is the verdict itself, as the runner wrote it into the log.
"""
import pathlib
import re
import sys
import threading
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "demo"))
import cluster  # noqa: E402
import demo  # noqa: E402
from cluster import moment  # noqa: E402

CONTROLLER = "system:serviceaccount:imagebatch:imagebatch"


class Sampler(threading.Thread):
    """Scrapes the controller ten times a second: its memory, and when the hung build first shows."""

    def __init__(self):
        super().__init__(daemon=True)
        self.rss, self.hung_at, self.url = [], None, None
        self.start_time = int(time.time())  # a hang begins in whole seconds, or later

    def run(self):
        while True:
            try:
                self.sample()
            except (OSError, TypeError, KeyError):
                self.url = None  # the Pod is not there, or another one is
            time.sleep(0.1)

    def sample(self):
        if self.url is None:
            pods = cluster.get("pods", "-n", "imagebatch", "-l", "app.kubernetes.io/name=imagebatch")["items"]
            address = next(pod["status"]["podIP"] for pod in pods if pod["status"].get("phase") == "Running")
            self.url = f"http://{address}:8080/metrics"
        with urllib.request.urlopen(self.url, timeout=5) as response:
            text = response.read().decode()
        self.rss.append(float(re.search(r"^process_resident_memory_bytes (\S+)", text, re.M).group(1)))
        if self.hung_at is None and cluster.hung_since(text, demo.NAMESPACE, self.start_time):
            self.hung_at = time.time()


def verdict_of(status):
    """When the runner reached its verdict, by its own log line."""
    pod = status["hungBuilds"][0]["pod"]
    for line in cluster.kubectl("logs", "-n", demo.NAMESPACE, pod).splitlines():
        if line.startswith('{"imagebatch":"evidence"'):
            return moment(re.search(r'"since":"([^"]+)"', line).group(1)), pod
    raise cluster.Failed("the hung build's log has no verdict")


def writes(since):
    """The controller's accepted writes by what they wrote, and the moment its status first had a hung build."""
    counts = {}
    for event in cluster.audit(demo.NAMESPACE, since):
        if event["user"]["username"] != CONTROLLER or event.get("stage") != "ResponseComplete":
            continue
        reference = event["objectRef"]
        what = reference["resource"] + ("/" + reference["subresource"] if reference.get("subresource") else "")
        if "dryRun" in event["requestURI"]:
            what = "dry run"
        counts.setdefault(what, []).append(moment(event["requestReceivedTimestamp"]))
    return counts


def main():
    sampler = Sampler()
    options = demo.arguments()
    cluster.install(options.image)
    sampler.start()
    deadline = time.monotonic() + 60
    while len(sampler.rss) < 50:
        if time.monotonic() > deadline:
            raise cluster.Failed("the controller's metrics do not answer")
        time.sleep(0.1)
    idle = sampler.rss[-1]
    status, since = demo.run(options)
    verdict, pod = verdict_of(status)
    counts = writes(since)
    builds = status["total"]
    unready = next(c["lastTransitionTime"] for c in cluster.get("pod", pod, "-n", demo.NAMESPACE)["status"]["conditions"]
                   if c["type"] == "Ready")
    hung = next(c["lastTransitionTime"] for c in cluster.get("imagebatch", options.batch, "-n", demo.NAMESPACE)
                ["status"]["conditions"] if c["type"] == "HungBuilds")
    shown = min((t for t in counts["imagebatches/status"] if t >= moment(hung) - 0.001), default=moment(hung))
    alerted = min(moment(received) for alert, received in cluster.alerts(demo.NAMESPACE, since)
                  if alert["labels"]["alertname"] == "ImageBuildHung")

    print(f"\nmemory (RSS): {idle / 2**20:.1f} MiB idle, {max(sampler.rss) / 2**20:.1f} MiB at most with {builds} Jobs")
    print("writes of the controller per build:")
    for what, times in sorted(counts.items()):
        print(f"  {what:22}{len(times):6}   {len(times) / builds:.2f}")
    print("after the runner's verdict, in seconds:")
    print(f"  Pod unready (whole seconds) {moment(unready) - verdict:6.1f}")
    print(f"  status                      {shown - verdict:6.1f}")
    print(f"  metric                      {sampler.hung_at - verdict:6.1f}")
    print(f"  alert at the receiver       {alerted - verdict:6.1f}")


if __name__ == "__main__":
    try:
        main()
    except cluster.Failed as failure:
        sys.exit(f"\nerror: {failure}")
