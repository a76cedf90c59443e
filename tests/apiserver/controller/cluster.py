"""The fixture's API server, and a controller process that works on it."""
import base64
import contextlib
import http.client
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.parse

KUBECTL = os.environ.get("KUBECTL", "kubectl")
KUBECONFIG = pathlib.Path(os.environ["KUBECONFIG"])
ROOT = pathlib.Path(__file__).resolve().parents[3]


def wait_for(condition, what, seconds=90):
    """The first true value of condition()."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("after %d s there still is not: %s" % (seconds, what))
        time.sleep(0.05)


def kubectl(*arguments):
    """What it prints. Fails loudly."""
    done = subprocess.run([KUBECTL, *arguments], capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, "kubectl %s: %s" % (" ".join(arguments), done.stderr)
    return done.stdout


def is_established(crd):
    conditions = crd.get("status", {}).get("conditions") or []
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)


def wait_for_kinds(crds):
    """Until what this file defines can be created. `kubectl wait` fails on a CRD so new that it has no conditions."""
    def all_established():
        read = json.loads(kubectl("get", "-f", crds, "-o", "json"))
        return all(map(is_established, read.get("items", [read])))

    wait_for(all_established, "the kinds of " + crds)


@contextlib.contextmanager
def alone():
    """With this tree's CRD and without another controller: one that is installed is stopped, and started again afterwards."""
    crd, controllers = str(ROOT / "manifests/crd.yaml"), "app.kubernetes.io/name=imagebatch"
    before = kubectl("get", "-f", crd, "--ignore-not-found")
    kubectl("apply", "--server-side", "--force-conflicts", "-f", crd)
    wait_for_kinds(crd)
    installed = [(item["metadata"]["namespace"], item["metadata"]["name"], item["spec"]["replicas"])
                 for item in json.loads(kubectl("get", "deployments", "-A", "-l", controllers, "-o", "json"))["items"]]
    try:
        for namespace, name, _ in installed:
            kubectl("scale", "deployment", name, "-n", namespace, "--replicas=0")
            kubectl("wait", "pods", "-n", namespace, "-l", controllers, "--for=delete", "--timeout=120s")
        yield
    finally:
        for namespace, name, replicas in installed:
            kubectl("scale", "deployment", name, "-n", namespace, "--replicas=%d" % replicas)
        if not before:
            kubectl("delete", "-f", crd, "--wait")


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class Api:
    """One client of the API server, for one thread."""

    def __init__(self):
        view = subprocess.run([KUBECTL, "config", "view", "--raw", "--flatten", "-o", "json"], capture_output=True,
                              check=True, timeout=60)
        config = json.loads(view.stdout)
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self._address = urllib.parse.urlsplit(cluster["server"])
        self._tls = ssl.create_default_context(
            cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
        with tempfile.NamedTemporaryFile() as pair:
            pair.write(base64.b64decode(user["client-certificate-data"]) + b"\n" +
                       base64.b64decode(user["client-key-data"]))
            pair.flush()
            self._tls.load_cert_chain(pair.name)
        self._connection = None

    def connect(self, timeout=None):
        """A connection of its own, for any thread."""
        return http.client.HTTPSConnection(self._address.hostname, self._address.port, context=self._tls, timeout=timeout)

    def send(self, method, path, body=None, kind="application/json"):
        """Status and object of the reply; status 0 where none came. Never sent twice."""
        try:
            if self._connection is None:
                self._connection = self.connect(timeout=20)
            self._connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": kind})
            response = self._connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException):
            self.close()
            return 0, None
        return response.status, json.loads(text or b"null")

    def close(self):
        if self._connection:
            self._connection.close()
        self._connection = None

    def good(self, *arguments, **named):
        status, reply = self.send(*arguments, **named)
        assert status // 100 == 2, "%s: %s %s" % (arguments[:2], status, reply and reply.get("message"))
        return reply

    def patch(self, path, change):
        return self.good("PATCH", path, change, kind="application/merge-patch+json")


class Namespace:
    """A namespace with the objects of one test, and the parts of Kubernetes that the fixture lacks."""

    def __init__(self):
        self.api = Api()
        made = self.api.good("POST", "/api/v1/namespaces", {"metadata": {"generateName": "controller-"}})
        self.name = made["metadata"]["name"]
        self.batches = "/apis/imagebatch.dev/v1alpha1/namespaces/%s/imagebatches" % self.name
        self.records = "/apis/imagebatch.dev/v1alpha1/namespaces/%s/imagebatchrecords" % self.name
        self.jobs = "/apis/batch/v1/namespaces/%s/jobs" % self.name
        self.core = "/api/v1/namespaces/%s/" % self.name

    def create_batch(self, name, **spec):
        return self.api.good("POST", self.batches, batch(name, **spec))

    def create_config_map(self, name, data):
        return self.api.good("POST", self.core + "configmaps", {"metadata": {"name": name}, "data": data})

    def change(self, name, spec):
        self.api.patch(self.batches + "/" + name, {"spec": spec})

    def status(self, name):
        reply = self.api.send("GET", self.batches + "/" + name)[1] or {}
        return reply.get("status", {})

    def condition(self, name, kind):
        for condition in self.status(name).get("conditions", []):
            if condition["type"] == kind:
                return condition
        return {"status": "", "reason": "", "message": ""}

    def has(self, name, kind, reason=None):
        condition = self.condition(name, kind)
        return condition["status"] == "True" and reason in (None, condition["reason"]) and condition

    def list_jobs(self):
        return (self.api.send("GET", self.jobs)[1] or {}).get("items", [])

    def active_jobs(self):
        return [job for job in self.list_jobs() if not job["status"].get("conditions")]

    def collect_garbage(self):
        """What the garbage collector does: the Pods of Jobs that are being deleted go, and then the Jobs."""
        for job in self.list_jobs():
            name = job["metadata"]["name"]
            if not job["metadata"].get("deletionTimestamp"):
                continue
            selector = "?labelSelector=batch.kubernetes.io%2Fjob-name%3D" + name
            for pod in self.api.good("GET", self.core + "pods" + selector)["items"]:
                self.api.send("DELETE", self.core + "pods/" + pod["metadata"]["name"] + "?gracePeriodSeconds=0")
            self.api.patch(self.jobs + "/" + name, {"metadata": {"finalizers": None}})

    def end_job(self, name, kind="Complete"):
        """What the Job controller writes when a Job has ended."""
        first = {"Complete": "SuccessCriteriaMet", "Failed": "FailureTarget"}[kind]
        status = {"startTime": now(), "conditions": [
            {"type": each, "status": "True", "reason": "Test", "message": "m", "lastTransitionTime": now()}
            for each in (first, kind)]}
        status.update({"completionTime": now(), "succeeded": 1} if kind == "Complete" else {"failed": 1})
        return self.api.send("PATCH", self.jobs + "/" + name + "/status", {"status": status},
                             kind="application/merge-patch+json")

    def create_pod(self, job, node="node-1", **fields):
        """What the Job controller does: the Pod of a Job, which no kubelet will start. Its name."""
        template = job["spec"]["template"]
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": job["metadata"]["name"],
                 "uid": job["metadata"]["uid"], "controller": True}
        labels = {**template["metadata"]["labels"], "batch.kubernetes.io/job-name": job["metadata"]["name"]}
        pod = self.api.good("POST", self.core + "pods", {
            "metadata": {"generateName": job["metadata"]["name"] + "-", "labels": labels, "ownerReferences": [owner],
                         "annotations": template["metadata"]["annotations"], **fields},
            "spec": {**template["spec"], **({"nodeName": node} if node else {})}})
        return pod["metadata"]["name"]

    def pod_status(self, pod, status):
        self.api.patch(self.core + "pods/" + pod + "/status", {"status": status})

    def warn(self, kind, item, reason, message):
        """An Event on an object, as Kubernetes writes them."""
        meta = item["metadata"]
        self.api.good("POST", self.core + "events", {
            "metadata": {"generateName": "e-"}, "type": "Warning", "reason": reason, "message": message,
            "involvedObject": {"kind": kind, "namespace": self.name, "name": meta["name"], "uid": meta["uid"]},
            "firstTimestamp": now(), "lastTimestamp": now(), "count": 1})

    def run_pod(self, job, **terminated):
        """What the Job controller and a kubelet do: the Pod of a Job, its build ended or, without more, running."""
        pod = self.create_pod(job)
        state = {"terminated": {"startedAt": now(), "finishedAt": now(), **terminated}} if terminated else {
            "running": {"startedAt": now()}}
        ready = "False" if terminated else "True"
        self.pod_status(pod, {
            "phase": "Failed" if terminated else "Running",
            "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": now()}],
            "containerStatuses": [container_status(state, ready=not terminated)]})

    def events(self, name, reason):
        items = self.api.good("GET", self.core + "events")["items"]
        return [e for e in items if e["involvedObject"]["name"] == name and e["reason"] == reason]

    def results(self, name):
        """The results stored for a batch."""
        records = self.api.good("GET", self.records + "?labelSelector=imagebatch.dev%2Fbatch%3D" + name)["items"]
        return [result for record in records for result in record.get("results", [])]

    def creates(self):
        """How often each Job was created, as the API server's audit log has it.

        A create whose client was killed may have taken effect although the log calls it a timeout (504): such a Job
        is missing here, but a second create of it would not be.
        """
        counts = {}
        for event in map(json.loads, (KUBECONFIG.parent / "log/audit.json").read_text().splitlines()):
            what = event["objectRef"]
            if event["verb"] != "create" or what["resource"] != "jobs" or what.get("namespace") != self.name:
                continue
            if "dryRun" in event["requestURI"] or event["responseStatus"]["code"] != 201:
                continue
            counts[what["name"]] = counts.get(what["name"], 0) + 1
        return counts


class Controller:
    """The real binary, for one namespace."""

    def __init__(self, binary, namespace, runner_image="none:1", kubeconfig=KUBECONFIG, arguments=()):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._log = tempfile.TemporaryFile()
        # It must not outlive a test that is killed: it would go on in the cluster that the next one uses
        self._command = ["setpriv", "--pdeathsig", "KILL", binary, "controller",
                         "--kubeconfig=%s" % kubeconfig, "--runner-image=" + runner_image,
                         "--listen=127.0.0.1:%d" % self._port, *arguments]
        if namespace.name:
            self._command.append("--namespace=" + namespace.name)
        self._process = None
        self.start()

    def start(self):
        self._process = subprocess.Popen(self._command, stdout=self._log, stderr=self._log)

    @property
    def pid(self):
        return self._process.pid

    def kill(self):
        self._process.kill()
        self._process.wait()

    def stop(self, seconds=10):
        """Its exit code after a SIGTERM."""
        self._process.terminate()
        return self._process.wait(seconds)

    def restart(self):
        self.kill()
        self.start()

    def clean_up(self):
        self.kill()
        self._log.close()

    def get(self, path):
        """Status and text of a page; status 0 where nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        except OSError:
            return 0, ""
        finally:
            connection.close()

    def log(self):
        self._log.seek(0)
        return self._log.read().decode()

    def wait_until_ready(self, seconds=60):
        """Fails with what it has logged."""
        try:
            wait_for(lambda: self._process.poll() is not None or self.get("/readyz")[0] == 200, "readiness", seconds)
            assert self._process.poll() is None, "the controller has ended with %d" % self._process.returncode
        except AssertionError as error:
            raise AssertionError("%s; it has logged:\n%s" % (error, self.log()[-2000:])) from error


class Server:
    """The fixture's kube-apiserver, to be killed and started again with the same arguments."""

    def __init__(self):
        self._directory = KUBECONFIG.parent
        self._daemon = self._directory / "daemons/kube-apiserver"
        pid = self._daemon.read_text().strip()
        self._arguments = pathlib.Path("/proc", pid, "cmdline").read_text().split("\0")[:-1]

    def kill(self):
        pid = int(self._daemon.read_text())
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: self._gone(pid), "the end of the API server")

    def start(self):
        with open(self._directory / "log/kube-apiserver.log", "ab") as log:
            # It outlives this test, and the fixture looks for its id there
            process = subprocess.Popen(self._arguments, cwd=self._directory, stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=log, start_new_session=True)
        self._daemon.write_text("%d\n" % process.pid)
        process.returncode = 0  # nobody here waits for it
        api = Api()
        wait_for(lambda: api.send("GET", "/api/v1/namespaces/default")[0] == 200, "the API server", 90)
        api.close()

    @staticmethod
    def _gone(pid):
        try:
            stat = pathlib.Path("/proc/%d/stat" % pid).read_text().rpartition(")")[2].split()
        except OSError:
            return True
        return stat[0] == "Z" and len(os.listdir("/proc/%d/task" % pid)) <= 1


def container(**fields):
    return {"name": "build", "image": "builder:1", "command": ["build", "$(image)"], **fields}


def container_status(state, ready=False):
    return {"name": "build", "image": "i", "imageID": "", "restartCount": 0, "ready": ready, "state": state}


def stage(name="image", **fields):
    return {"name": name, "image": "r.example/%s:$(key)" % name, "template": {"spec": {"containers": [container()]}},
            **fields}


def batch(name, **spec):
    return {"apiVersion": "imagebatch.dev/v1alpha1", "kind": "ImageBatch", "metadata": {"name": name},
            "spec": {"images": {"rows": [{"name": "a"}]}, "stages": [stage()], **spec}}


def two_stages(environments, images):
    """A spec with so many env builds and, on top of them, so many image builds."""
    rows = [{"name": "row%d" % i, "env": "e%d" % (i % environments)} for i in range(images)]
    return {"images": {"rows": rows}, "stages": [stage("env", key="$(env)"), stage("image", needs=["env"])]}
