"""What the demo does to the cluster: kubectl and helm, the registry, the alerts' receiver, the audit log."""
import datetime
import json
import os
import pathlib
import re
import subprocess
import time
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CLUSTER = pathlib.Path(os.environ.get("IMAGEBATCH_CLUSTER_DIR", ROOT / "build" / "cluster"))
TOOLS = ROOT / "build" / "tools"
REGISTRY = "10.88.0.1:5000"
INSTALL_SECONDS = 120    # for helm, with the controller ready in the end
NAMESPACE_SECONDS = 150  # for the end of an earlier namespace and a ServiceAccount in the next
ENVIRONMENT = {**os.environ, "KUBECONFIG": str(CLUSTER / "admin.conf")}


class Failed(Exception):
    """The demo cannot go on; the text says why and what to do."""


def kubectl(*arguments, stdin=None, check=True):
    done = subprocess.run([TOOLS / "kubectl", *arguments], input=stdin, env=ENVIRONMENT, text=True,
                          capture_output=True, check=False)
    if check and done.returncode != 0:
        raise Failed(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def get(*arguments):
    """An object, or None where there is none or the API server does not answer just now."""
    text = kubectl("get", "-o", "json", *arguments, check=False)
    return json.loads(text) if text else None


def apply(*objects):
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-",
            stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))


def install(image, *arguments):
    """Installs the chart, or upgrades it; arguments are further ones of helm."""
    repository, tag = image.rsplit(":", 1)
    registry, name = repository.rsplit("/", 1)
    done = subprocess.run(
        [TOOLS / "helm", "upgrade", "--install", "imagebatch", ROOT / "charts" / "imagebatch", "--namespace",
         "imagebatch", "--create-namespace", "--wait", "--timeout", f"{INSTALL_SECONDS}s",
         "--set", f"image.registry={registry},image.repository={name}", "--set-string", f"image.tag={tag}",
         *arguments],
        env=ENVIRONMENT, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise Failed(f"helm install: {done.stderr.strip()}")


def raise_if_a_daemon_failed():
    """A daemon that has ended twice in a row will not come back; the demo need not wait for what it does."""
    for mark in sorted((CLUSTER / "failed").glob("*")):
        log = CLUSTER / "log" / f"{mark.name}.log"
        last = log.read_text(errors="replace").splitlines()[-10:]
        raise Failed("\n".join([f"{mark.name} ended twice in a row; the last lines of {log}:", *last]))


def prometheus(path, **parameters):
    """The data of an answer of Prometheus' API."""
    url = f"http://{REGISTRY.partition(':')[0]}:9090/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
    with urllib.request.urlopen(url, timeout=5) as response:
        return json.load(response)["data"]


def query(expression):
    """The samples of an instant query."""
    return prometheus("query", query=expression)["result"]


def describe_alerts():
    """What Prometheus and Alertmanager know: who is asked, what fires, who has been told."""
    def ask(port, path):
        try:
            with urllib.request.urlopen(f"http://{REGISTRY.partition(':')[0]}:{port}{path}", timeout=5) as response:
                return json.load(response)
        except (OSError, ValueError) as error:
            return str(error)

    def data(path):
        answer = ask(9090, path)
        return answer["data"] if isinstance(answer, dict) else answer

    pages = {
        "Prometheus scrapes": data("/api/v1/query?query=up"),
        "Prometheus has of hung builds": data("/api/v1/query?query=imagebatch_hung_build_since_timestamp_seconds"),
        "Prometheus alerts": data("/api/v1/alerts"),
        "Prometheus sends to": data("/api/v1/alertmanagers"),
        "Alertmanager has": ask(9093, "/api/v2/alerts"),
        "the receiver got": (CLUSTER / "alerts.jsonl").read_text().count("\n"),
    }
    return "\n".join(f"  {name}: {json.dumps(page)[:2000]}" for name, page in pages.items())


def controller_pids():
    """Of the controller, as this machine sees them; the cluster's processes are below its own."""
    found = subprocess.run(["pgrep", "-f", "^/usr/bin/imagebatch controller"], text=True, capture_output=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


def kill_controller():
    """kill -9; the Pod is deleted too, since the kubelet would wait longer after each crash."""
    for pid in controller_pids():
        os.kill(pid, 9)
    kubectl("delete", "pod", "-n", "imagebatch", "-l", "app.kubernetes.io/name=imagebatch", "--grace-period=0",
            "--force", "--wait=false", check=False)


def restart_apiserver():
    done = subprocess.run([ROOT / "tests" / "cluster" / "cluster.sh", "restart-apiserver"], text=True,
                          capture_output=True, check=False)
    if done.returncode != 0:
        raise Failed(f"the API server did not come back: {done.stderr.strip()}")


def tags():
    """Every reference in the registry's own catalogue."""
    def ask(path):
        with urllib.request.urlopen(f"http://{REGISTRY}{path}", timeout=30) as response:
            return json.load(response)
    found, last = set(), ""
    while True:
        page = ask(f"/v2/_catalog?n=500&last={last}")["repositories"]
        for repository in page:
            listed = ask(f"/v2/{repository}/tags/list").get("tags") or []
            found |= {f"{REGISTRY}/{repository}:{tag}" for tag in listed}
        if len(page) < 500:
            return found
        last = page[-1]


def moment(text):
    """RFC 3339 as seconds since 1970."""
    return datetime.datetime.fromisoformat(text[:19] + "+00:00").timestamp() + float("0" + text[19:].rstrip("Z").partition("+")[0])


def hung_since(page, namespace, since):
    """{build: when its hang began} of a namespace's hung builds on a page of the controller's metrics. What began before
    since is of an earlier batch, whose series are there until the controller has seen its end."""
    found = {}
    for labels, value in re.findall(r"^imagebatch_hung_build_since_timestamp_seconds\{(.*)\} (\S+)", page, re.M):
        named = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        if named["namespace"] == namespace and float(value) >= since:
            found[named["build"]] = float(value)
    return found


def alerts(namespace, since):
    """The alerts of one namespace that the receiver has got and that began after a moment, each with the time it came."""
    path = CLUSTER / "alerts.jsonl"
    if not path.exists():
        return
    for line in path.read_text().splitlines():
        notification = json.loads(line)
        for alert in notification["alerts"]:
            if alert["labels"].get("namespace") == namespace and moment(alert["startsAt"]) >= moment(since):
                yield alert, notification["receivedAt"]


def audit(namespace, since):
    """The writes the API server has recorded in one namespace since a moment (RFC 3339)."""
    for path in sorted((CLUSTER / "log").glob("audit*")):
        for line in path.read_text().splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                continue  # the line being written
            if event.get("objectRef", {}).get("namespace") == namespace and event["requestReceivedTimestamp"] >= since[:19]:
                yield event


def results(namespace, batch):
    """The stored results of a batch."""
    records = get("imagebatchrecords", "-n", namespace, "-l", f"imagebatch.dev/batch={batch}") or {"items": []}
    return [result for record in records["items"] for result in record.get("results", [])]


def fresh_namespace(name):
    """An empty namespace; an earlier one of that name goes first."""
    kubectl("delete", "namespace", name, "--ignore-not-found", "--wait=true", "--timeout=120s")
    kubectl("create", "namespace", name)
    deadline = time.monotonic() + 30
    while get("serviceaccount", "default", "-n", name) is None:
        if time.monotonic() > deadline:
            raise Failed(f"namespace {name} has got no ServiceAccount in 30 s")
        time.sleep(0.1)
