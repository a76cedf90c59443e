"""What tests with real builders need beside the cluster: its registry behind a login, a Git server, and what was pushed."""
import base64
import contextlib
import hashlib
import http.client
import io
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "apiserver" / "controller"))
from cluster import KUBECONFIG, wait_for  # noqa: E402

CLUSTER = KUBECONFIG.parent
TOOLS = pathlib.Path(os.environ["KUBECTL"]).parent
HOST_IP = "10.88.255.254"            # this machine on the node's bridge, as lib.sh has it
REGISTRY = "10.88.0.1:5000"          # the cluster's own, without a login
LOGIN_REGISTRY = HOST_IP + ":5001"
LOGINS = {"puller": "only-pulls", "pusher": "also-pushes"}   # those of docs/registries.md
# As `htpasswd -B` writes them. This registry lets each login push.
PASSWORDS = """puller:$2y$05$abcdefghijklmnopqrstuu.zXmdd6Ru59PZRPhPHejXnZFnMB8mqG
pusher:$2y$05$abcdefghijklmnopqrstuu.kWGPOA.Ew.wJS0.Xt46P6m3fhtlMmS
"""
MANIFESTS = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json, " \
    "application/vnd.oci.image.index.v1+json"


def listens(host, port):
    with socket.socket() as one:
        return one.connect_ex((host, port)) == 0


@contextlib.contextmanager
def process(command, host, port, log):
    """A server of this test's own, which does not outlive it."""
    if listens(host, port):
        raise AssertionError("something listens on %s:%d already" % (host, port))
    with subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *map(str, command)], stdout=log, stderr=log) as running:
        try:
            wait_for(lambda: running.poll() is not None or listens(host, port), "an answer of " + str(command[0]))
            if running.poll() is not None:
                raise AssertionError("%s has ended with %d" % (command[0], running.returncode))
            yield
        finally:
            running.terminate()


@contextlib.contextmanager
def login_registry(node_may_pull=False):
    """One more door to the cluster's registry, which wants a login. The node may be allowed to pull without a Secret, as in
    many clouds."""
    with tempfile.TemporaryDirectory() as directory, tempfile.TemporaryFile() as log:
        path = pathlib.Path(directory)
        (path / "passwords").write_text(PASSWORDS, encoding="utf-8")
        (path / "config.yaml").write_text(json.dumps({
            "version": 0.1, "log": {"level": "warn", "accesslog": {"disabled": True}}, "http": {"addr": LOGIN_REGISTRY},
            "storage": {"filesystem": {"rootdirectory": str(CLUSTER / "registry")}},
            "auth": {"htpasswd": {"realm": "samples", "path": str(path / "passwords")}}}), encoding="utf-8")
        hosts = CLUSTER / "containerd/hosts" / LOGIN_REGISTRY
        hosts.mkdir(exist_ok=True)
        login = base64.b64encode(("puller:" + LOGINS["puller"]).encode()).decode()
        (hosts / "hosts.toml").write_text('[host."http://%s"]\n  capabilities = ["pull", "resolve"]\n' % LOGIN_REGISTRY + (
            '[host."http://%s".header]\n  authorization = "Basic %s"\n' % (LOGIN_REGISTRY, login) if node_may_pull else ""),
            encoding="utf-8")
        host, port = LOGIN_REGISTRY.split(":")
        try:
            with process([TOOLS / "docker-registry", "serve", path / "config.yaml"], host, int(port), log):
                assert request("/v2/", LOGIN_REGISTRY)[0] == 401, "nobody may come in without a login"
                yield
        finally:
            shutil.rmtree(hosts)


@contextlib.contextmanager
def git_server(repositories):
    """A Git daemon with repositories of one commit, each {name: {path: text}}. Yields its URL and the commits by name."""
    with tempfile.TemporaryDirectory() as directory, tempfile.TemporaryFile() as log:
        commits = {}
        for name, files in repositories.items():
            where = pathlib.Path(directory, name)
            for path, text in files.items():
                (where / path).parent.mkdir(parents=True, exist_ok=True)
                (where / path).write_text(text, encoding="utf-8")
            git = ["git", "-C", str(where), "-c", "user.name=t", "-c", "user.email=t@example"]
            subprocess.run([*git, "init", "--quiet"], check=True)
            subprocess.run([*git, "add", "."], check=True)
            subprocess.run([*git, "commit", "--quiet", "--message=one"], check=True)
            done = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
            commits[name] = done.stdout.strip()
        port = 9418
        path = subprocess.run(["git", "--exec-path"], check=True, capture_output=True, text=True).stdout.strip()
        with process([path + "/git-daemon", "--export-all", "--reuseaddr", "--base-path=" + directory, "--listen=" + HOST_IP,
                      "--port=%d" % port], HOST_IP, port, log):
            yield "git://%s:%d/" % (HOST_IP, port), commits


def request(path, host=REGISTRY):
    connection = http.client.HTTPConnection(host, timeout=20)
    try:
        connection.request("GET", path, headers={"Accept": MANIFESTS})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def tags(repository):
    """The tags in a repository, each with the digest of what is there; {} where there is no such repository."""
    status, body = request("/v2/%s/tags/list" % repository)
    if status != 200:
        return {}
    found = {}
    for tag in json.loads(body)["tags"] or []:
        status, manifest = request("/v2/%s/manifests/%s" % (repository, tag))
        if status == 200:
            found[tag] = "sha256:" + hashlib.sha256(manifest).hexdigest()
    return found


def manifest_of(repository, tag):
    return json.loads(request("/v2/%s/manifests/%s" % (repository, tag))[1])


def blob(repository, entry):
    return request("/v2/%s/blobs/%s" % (repository, entry["digest"]))[1]


def configuration(repository, tag):
    """How a container of the image starts, and with what: {"Cmd": [...], "Env": [...], ...}."""
    return json.loads(blob(repository, manifest_of(repository, tag)["config"]))["config"]


def file_of(repository, tag, path):
    """The text of a file in the image, as its last layers have it; None where they do not."""
    for layer in reversed(manifest_of(repository, tag)["layers"]):
        with tarfile.open(fileobj=io.BytesIO(blob(repository, layer))) as tar:
            if path in tar.getnames():
                return tar.extractfile(path).read().decode()
    return None


def remove(repositories):
    """What an earlier run pushed."""
    for name in repositories:
        shutil.rmtree(CLUSTER / "registry/docker/registry/v2/repositories" / name, ignore_errors=True)
