#!/usr/bin/env python3
"""What keeps real Pods from starting, on the throwaway cluster: the words are those of a real scheduler, kubelet and
Job controller.

Usage: stalls_test.py BINARY
Needs KUBECONFIG of the cluster, and KUBECTL where kubectl is not in the PATH. Leaves nothing behind. Where imagebatch is
installed already, that controller is stopped meanwhile, or two would take part.
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "apiserver" / "controller"))
from cluster import KUBECTL, Controller, Namespace, alone, container, stage, wait_for  # noqa: E402

PENDING = 5
ABSENT = "10.88.0.1:5000/absent:1"  # of the runner: no Pod here gets beyond its first image
MOUNT = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
# Class, Pod template, and what the message must tell.
PODS = {
    "ImagePull": ({"containers": [container()]}, ["imagebatch-runner", "absent:1"]),
    "Unschedulable": ({"containers": [container()], "nodeSelector": {"nobody": "has-this"}},
                      ["Unschedulable", "0/1 nodes are available", "node affinity/selector"]),
    "ContainerCreating": ({"containers": [container(**MOUNT)], "volumes": [{"name": "v", "configMap": {"name": "absent"}}]},
                          ["FailedMount", 'configmap "absent" not found']),
    "QuotaExceeded": ({"containers": [container()]}, ["FailedCreate", "exceeded quota: none", "limited: pods=0"]),
}


def verdict(namespace, klass):
    """The verdict on the one build of the batch of a class, once there is one."""
    stalled = namespace.status(klass.lower()).get("stalledBuilds")
    return stalled and stalled[0]


def check(namespace, controller, klass):
    words = PODS[klass][1]

    def told():
        entry = verdict(namespace, klass)
        return entry and entry["class"] == klass and all(word in entry["message"] for word in words) and entry

    try:
        entry = wait_for(told, "a verdict of %s with %s" % (klass, words), 90)
    except AssertionError as failure:
        raise AssertionError("%s; there is %s\n%s" % (failure, verdict(namespace, klass), controller.log()[-3000:])) from None
    line = 'imagebatch_builds_stalled{namespace="%s",batch="%s",class="%s"} 1\n' % (namespace.name, klass.lower(), klass)
    wait_for(lambda: line in controller.get("/metrics")[1], line)
    print("%s: %s" % (klass, entry["message"]), flush=True)


def create(namespace, klass):
    namespace.create_batch(klass.lower(), stall={"afterSeconds": PENDING},
                           stages=[stage(template={"spec": PODS[klass][0]})])


def main(binary):
    with alone():
        check_all(binary)


def check_all(binary):
    namespace = Namespace()
    wait_for(lambda: namespace.api.send("GET", namespace.core + "serviceaccounts/default")[0] == 200, "a ServiceAccount")
    controller = Controller(binary, namespace, ABSENT)
    try:
        first = [klass for klass in PODS if klass != "QuotaExceeded"]
        for klass in first:
            create(namespace, klass)
        for klass in first:
            check(namespace, controller, klass)
        namespace.api.good("POST", namespace.core + "resourcequotas",
                           {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}})
        create(namespace, "QuotaExceeded")
        check(namespace, controller, "QuotaExceeded")
        namespace.api.good("DELETE", namespace.core + "resourcequotas/none")
        # The Job controller tries again, less and less often; then there is a Pod, and another step
        wait_for(lambda: (verdict(namespace, "QuotaExceeded") or {}).get("class") != "QuotaExceeded", "a Pod", 120)
    finally:
        controller.clean_up()
        namespace.api.good("DELETE", "/api/v1/namespaces/" + namespace.name)


if __name__ == "__main__":
    main(sys.argv[1])
