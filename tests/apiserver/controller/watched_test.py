"""Pods of no batch that ask to be watched, on a real API server: which are seen, what is told of them, and that a controller
that is killed tells nothing twice. There is no kubelet: logs cannot be read, so the verdict is Unobserved."""
import datetime
import unittest

from case import ControllerCase

WRAPPED = {"name": "main", "image": "i", "command": ["/imagebatch/imagebatch-runner", "--listen=:9911", "--", "work"],
           "env": [{"name": "IMAGEBATCH_MARKER", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}}],
           "readinessProbe": {"httpGet": {"path": "/progress", "port": 9911}}}


def ago(seconds):
    moment = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class WatchedTest(ControllerCase):
    def run_pod(self, name, labels, container, ready):
        self.ns.api.good("POST", self.ns.core + "pods", {
            "metadata": {"name": name, "labels": labels}, "spec": {"nodeName": "node-1", "containers": [container]}})
        self.ns.pod_status(name, {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": str(ready), "lastTransitionTime": ago(30)}],
            "containerStatuses": [{"name": "main", "image": "i", "imageID": "", "restartCount": 0, "ready": ready,
                                   "state": {"running": {"startedAt": ago(600)}}}]})

    def series(self):
        lines = self.controller.get("/metrics")[1].splitlines()
        return {line for line in lines if line.startswith("imagebatch_watched_pod") and not line.endswith(" 0")}

    def test_which_are_seen_and_what_is_told(self):
        watch = {"imagebatch.dev/watch": "true"}
        plain = {"name": "main", "image": "i"}
        self.run_pod("silent", watch, WRAPPED, False)
        self.run_pod("healthy", watch, WRAPPED, True)
        self.run_pod("plain", watch, plain, True)
        self.run_pod("unlabelled", {}, WRAPPED, False)
        self.run_pod("otherwise", {"imagebatch.dev/watch": "false"}, plain, False)
        self.run_pod("of-a-batch", {**watch, "imagebatch.dev/batch-uid": "u"}, plain, False)
        labels = 'namespace="%s"' % self.ns.name
        hung = ('imagebatch_watched_pod_hung_since_timestamp_seconds{%s,pod="silent",container="main",class="Unobserved",'
                'owner_kind="Pod",owner_name="silent",node="node-1"}' % labels)
        self.wait(lambda: any(line.startswith(hung) for line in self.series()), hung)
        self.assertEqual({line for line in self.series() if not line.startswith(hung)}, {
            'imagebatch_watched_pods{%s,watched="true"} 2' % labels, 'imagebatch_watched_pods{%s,watched="false"} 1' % labels,
            'imagebatch_watched_pods_hung{%s,class="Unobserved"} 1' % labels})
        for pod, reason, words in (("silent", "PodHung", "hangs (Unobserved, LogUnreadable)"),
                                   ("plain", "NotWatched", 'container "main" has no command')):
            event, = self.wait(lambda pod=pod, reason=reason: self.ns.events(pod, reason), reason)
            self.assertIn(words, event["message"])

        self.controller.restart()
        self.wait(lambda: any(line.startswith(hung) for line in self.series()), hung + " again")
        told = [(e["involvedObject"]["name"], e["reason"]) for e in self.ns.api.good("GET", self.ns.core + "events")["items"]]
        self.assertEqual(sorted(told), [("plain", "NotWatched"), ("silent", "PodHung")])

        self.ns.api.good("DELETE", self.ns.core + "pods/silent?gracePeriodSeconds=0")
        self.wait(lambda: not any(line.startswith(hung) for line in self.series()), "no hung Pod")


if __name__ == "__main__":
    unittest.main(argv=[__file__])
