#!/usr/bin/env python3
"""How the command line reaches an API server, and what it says where it does not: kubeconfigs, plugins, proxies, TLS, rights.

Usage: reach_test.py BINARY [ARGUMENT OF unittest...]
Needs KUBECONFIG of the fixture, and KUBECTL where kubectl is not in the PATH.
"""
import base64
import copy
import json
import pathlib
import select
import socket
import sys
import tempfile
import threading
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from program import DONE, FAILED, USAGE, ProgramCase, call  # noqa: E402
from case import CRD, apply_crd  # noqa: E402
from cluster import kubectl  # noqa: E402

PLUGIN = r"""#!/bin/sh
echo "$KUBERNETES_EXEC_INFO" >> %(folder)s/told
printf '{"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1", "status": %%s}\n' \
  "$(sed -n 1p %(folder)s/answers)"
sed -i -e '1{$!d}' %(folder)s/answers
"""


class Tunnel:
    """Takes connections on a loopback address and joins them with the API server; asked for with CONNECT where it is a proxy."""

    def __init__(self, target, address="127.0.0.1", proxy=False):
        self.asked = []    # the heads of its CONNECTs
        self._target, self._proxy = target, proxy
        self._listener = socket.create_server((address, 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client = self._listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._join, args=(client,), daemon=True).start()

    def _join(self, client):
        with client, socket.create_connection(self._target) as server:
            if self._proxy:
                head = b""
                while b"\r\n\r\n" not in head:
                    piece = client.recv(4096)
                    if not piece:
                        return
                    head += piece
                self.asked.append(head.decode())
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            other = {client: server, server: client}
            while True:
                for ready in select.select(list(other), [], [])[0]:
                    try:
                        piece = ready.recv(65536)
                        if not piece:
                            return
                        other[ready].sendall(piece)
                    except OSError:
                        return

    def close(self):
        self._listener.close()


class ReachCase(ProgramCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.config = json.loads(kubectl("config", "view", "--raw", "--flatten", "-o", "json"))
        self.cluster = self.config["clusters"][0]["cluster"]
        self.user = self.config["users"][0]["user"]
        address = urllib.parse.urlsplit(self.cluster["server"])
        self.target = (address.hostname, address.port)

    def write(self, name="config"):
        path = self.folder / name
        path.write_text(json.dumps(self.config))
        return str(path)

    def token_of(self, account, rules):
        """A token of a ServiceAccount with these rights in the namespace."""
        api, rbac = self.ns.api, "/apis/rbac.authorization.k8s.io/v1/namespaces/%s/" % self.ns.name
        api.good("POST", self.ns.core + "serviceaccounts", {"metadata": {"name": account}})
        api.good("POST", rbac + "roles", {"metadata": {"name": account}, "rules": rules})
        api.good("POST", rbac + "rolebindings", {
            "metadata": {"name": account}, "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": self.ns.name}],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": account}})
        made = api.good("POST", self.ns.core + "serviceaccounts/" + account + "/token",
                        {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}})
        return made["status"]["token"]

    def become(self, **user):
        self.user.clear()
        self.user.update(user)


class KubeconfigTest(ReachCase):
    def test_files_are_merged_and_contexts_chosen(self):
        user = copy.deepcopy(self.config)
        user.pop("clusters")
        user["contexts"][0]["context"]["namespace"] = self.ns.name
        self.ns.create_batch("one")
        (self.folder / "first").write_text(json.dumps(user))
        (self.folder / "second").write_text(json.dumps({
            "clusters": self.config["clusters"],
            "contexts": [{"name": "other", "context": {**self.config["contexts"][0]["context"], "namespace": "elsewhere"}}]}))
        files = "%s:%s:%s" % (self.folder / "none", self.folder / "first", self.folder / "second")
        self.assertEqual(call("status", "-o", "name", KUBECONFIG=files), (DONE, "imagebatch.imagebatch.dev/one\n", ""))
        self.assertIn("namespace elsewhere", call("status", "--context", "other", KUBECONFIG=files)[2])
        code, _, said = call("status", "--context", "othr", KUBECONFIG=files)
        self.assertEqual(code, FAILED)
        self.assertRegex(said, r'/first:\S+/second: no context "othr" in contexts \(there are: \S+, other\)')

    def test_a_broken_file_is_named_with_the_line(self):
        (self.folder / "broken").write_text("clusters:\n- name: [\n")
        self.assertRegex(self.fails("status", KUBECONFIG=str(self.folder / "broken")), r"/broken: line 3\b")
        self.assertIn("does not exist", self.fails("status", KUBECONFIG=str(self.folder / "gone")))
        self.assertIn("No such file", self.fails("status", "--kubeconfig", str(self.folder / "gone")))
        self.become(username="admin", password="hunter2")
        said = self.fails("status", "--kubeconfig", self.write())
        self.assertIn("username is not supported; use a client certificate or a token", said)
        self.assertNotIn("hunter2", said)


class PluginTest(ReachCase):
    def setUp(self):
        super().setUp()
        self.ns.create_batch("one")
        self.good = self.token_of("reader", [{"apiGroups": ["imagebatch.dev"], "resources": ["imagebatches"],
                                              "verbs": ["get", "list", "watch"]}])
        plugin = self.folder / "plugin"
        plugin.write_text(PLUGIN % {"folder": self.folder})
        plugin.chmod(0o700)
        self.become(exec={"apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin", "interactiveMode": "IfAvailable",
                          "provideClusterInfo": True})

    def answer(self, *statuses):
        (self.folder / "answers").write_text("".join(json.dumps(status) + "\n" for status in statuses))

    def told(self):
        return [json.loads(line) for line in (self.folder / "told").read_text().splitlines()]

    def test_a_token(self):
        self.answer({"token": self.good})
        self.assertEqual(self.call("status", "-o", "name", "--kubeconfig", self.write()), "imagebatch.imagebatch.dev/one\n")
        (told,) = self.told()
        self.assertFalse(told["spec"]["interactive"])
        self.assertEqual(told["spec"]["cluster"]["server"], self.cluster["server"])
        self.assertEqual(told["spec"]["cluster"]["certificate-authority-data"], self.cluster["certificate-authority-data"])

    def test_a_client_certificate(self):
        admin = json.loads(kubectl("config", "view", "--raw", "--flatten", "-o", "json"))["users"][0]["user"]
        self.answer({"clientCertificateData": base64.b64decode(admin["client-certificate-data"]).decode(),
                     "clientKeyData": base64.b64decode(admin["client-key-data"]).decode()})
        self.call("status", "one", "--kubeconfig", self.write())

    def test_a_refused_token_is_asked_for_again_once(self):
        self.answer({"token": "expired"}, {"token": self.good})
        self.call("status", "one", "--kubeconfig", self.write())
        self.assertEqual(len(self.told()), 2)
        self.answer({"token": "expired"})
        said = self.fails("status", "one", "--kubeconfig", self.write())
        self.assertIn("does not accept the credentials: the plugin gives some that are refused; log in to it again", said)
        self.assertEqual(len(self.told()), 4)

    def test_a_plugin_that_is_not_there(self):
        self.user["exec"].update(command="imagebatch-no-such-plugin", installHint="see example.com")
        said = self.fails("status", "--kubeconfig", self.write())
        for part in ("exec: cannot run the plugin \"imagebatch-no-such-plugin\"", "No such file", "see example.com"):
            self.assertIn(part, said)
        self.assertEqual(said.count("imagebatch-no-such-plugin"), 1)


class NetworkTest(ReachCase):
    def test_a_proxy_that_wants_a_password(self):
        proxy = Tunnel(self.target, proxy=True)
        self.addCleanup(proxy.close)
        # A name that only the proxy can find
        self.cluster["server"] = "https://kubernetes.default.svc:%d" % self.target[1]
        url = "http://user:hunter2@127.0.0.1:%d" % proxy.port
        expected = "Basic " + base64.b64encode(b"user:hunter2").decode()
        self.call("status", "--kubeconfig", self.write(), HTTPS_PROXY=url)
        self.assertIn("CONNECT kubernetes.default.svc:%d " % self.target[1], proxy.asked[0])
        self.assertIn(expected, proxy.asked[0])
        said = self.fails("status", "--kubeconfig", self.write(), HTTPS_PROXY=url, NO_PROXY=".svc")
        self.assertIn("cannot talk to the API server https://kubernetes.default.svc", said)
        self.cluster["proxy-url"] = url
        before = len(proxy.asked)
        self.call("status", "--kubeconfig", self.write(), NO_PROXY="*")
        self.assertGreater(len(proxy.asked), before)
        self.cluster["proxy-url"] = "socks5://user:hunter2@127.0.0.1:1"
        said = self.fails("status", "--kubeconfig", self.write())
        self.assertIn("only http:// proxies", said)
        self.assertNotIn("hunter2", said)

    def test_the_name_of_the_server(self):
        other = Tunnel(self.target, address="127.0.0.2")   # the certificate is for 127.0.0.1, and for names
        self.addCleanup(other.close)
        self.cluster["server"] = "https://127.0.0.2:%d" % other.port
        self.assertIn("TLS failed", self.fails("status", "--kubeconfig", self.write()))
        for name, code in (("kubernetes.default.svc", DONE), ("127.0.0.1", DONE), ("wrong.example", FAILED), ("127.0.0.2", FAILED)):
            self.cluster["tls-server-name"] = name
            said = self.call("status", "--kubeconfig", self.write(), code=code)
            if code == FAILED:
                self.assertIn("tls-server-name", said)
        self.cluster.pop("tls-server-name")
        self.cluster["insecure-skip-tls-verify"] = True
        self.assertIn("take one of them away", self.fails("status", "--kubeconfig", self.write()))
        self.cluster.pop("certificate-authority-data")
        self.call("status", "--kubeconfig", self.write())

    def test_a_server_of_another_authority(self):
        self.cluster.pop("certificate-authority-data")
        self.cluster["tls-server-name"] = "kubernetes.default.svc"
        said = self.fails("status", "--kubeconfig", self.write())
        self.assertIn("TLS failed", said)
        self.assertIn("is certificate-authority of this cluster right", said)

    def test_a_server_that_is_not_there(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.cluster["server"] = "https://127.0.0.1:%d" % free.getsockname()[1]
            said = self.fails("status", "--kubeconfig", self.write())
        self.assertIn("cannot talk to the API server " + self.cluster["server"], said)
        self.assertIn("is it running", said)


class RightsTest(ReachCase):
    def test_what_may_not_be_done_is_named(self):
        self.ns.create_batch("one")
        token = self.token_of("reader", [{"apiGroups": ["imagebatch.dev"], "resources": ["imagebatches"], "verbs": ["get"]}])
        self.become(token=token)
        config = self.write()
        who = "user \"system:serviceaccount:%s:reader\"" % self.ns.name
        self.call("status", "one", "--kubeconfig", config)
        for words, what in ((["status"], "list imagebatches.imagebatch.dev in namespace " + self.ns.name),
                            (["suspend", "one"], "patch imagebatches.imagebatch.dev in namespace " + self.ns.name),
                            (["logs", "one", "a"], "list pods in namespace " + self.ns.name),
                            (["report", "one"], "list imagebatchrecords.imagebatch.dev in namespace " + self.ns.name),
                            (["evidence", "one", "a"], "list imagebatchrecords.imagebatch.dev in namespace " + self.ns.name)):
            said = self.fails(*words, "--kubeconfig", config)
            self.assertIn("no permission: %s may not %s; " % (who, what), said)
            self.assertNotIn(token, said)
        said = self.fails("wait", "one", "--kubeconfig", config)
        self.assertIn("403 Forbidden", said, "it does not wait for a right")
        code, _, said = call("status", "-A", "--kubeconfig", config)
        self.assertEqual(code, FAILED)
        self.assertIn("may not list imagebatches.imagebatch.dev in all namespaces; the ClusterRole imagebatch-viewer grants it", said)

    def test_a_token_that_has_expired(self):
        self.become(token="hunter2")
        said = self.fails("status", "--kubeconfig", self.write())
        self.assertIn("does not accept the credentials: the token or the certificate has expired or is wrong; log in again", said)
        self.assertNotIn("hunter2", said)


class UnknownTest(ReachCase):
    def test_a_batch_of_another_name(self):
        self.assertIn("there is no ImageBatch \"one\" in namespace %s, nor any other" % self.ns.name, self.fails("status", "one"))
        self.ns.create_batch("hello")
        self.assertIn("no ImageBatch \"helo\" in namespace %s; did you mean hello?" % self.ns.name, self.fails("wait", "helo"))
        self.assertIn("; there are: hello", self.fails("describe", "something", "a"))
        self.assertIn("is no name of an ImageBatch", self.fails("status", "../pods"))

    def test_a_cluster_without_imagebatch(self):
        self.addCleanup(apply_crd)
        kubectl("delete", "-f", CRD, "--wait")
        for words in (["status"], ["status", "one"], ["suspend", "one"]):
            self.assertIn("imagebatch is not installed in the cluster " + self.cluster["server"], self.fails(*words))

    def test_a_wrong_command_line(self):
        for words in (["status", "--no-such"], ["wait"], ["logs", "one"], ["status", "-o", "xml"], ["status", "one", "-A"]):
            code, out, said = call(*words)
            self.assertEqual((code, out), (USAGE, ""), words)
            self.assertIn("imagebatch " + words[0], said)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
