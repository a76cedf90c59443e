"""A proxy in front of the fixture's API server that answers some requests itself: with a failure, or with a log."""
import http.client
import http.server
import json
import pathlib
import re
import tempfile
import threading

from cluster import Api

FAILURE = json.dumps({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 500, "reason": "InternalError",
                      "message": "etcdserver: request timed out"}).encode()


class Proxy:
    """Listens on a port of its own without TLS and speaks to the API server as its administrator."""

    def __init__(self):
        self.fails = False  # every third request
        self.failed = []    # "METHOD path" of each request that was answered with a failure
        self.logs = {}      # text by name of the Pod: the logs that only a kubelet would have
        self.read = []      # the paths of those that were read
        self.watched = []   # the paths of watches that have begun
        self._count, self._lock = 0, threading.Lock()
        api = Api()
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def forward(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if proxy.is_to_fail(self.command + " " + self.path):
                    return self.answer(500, FAILURE)
                log = re.match("/api/v1/namespaces/[^/]+/pods/([^/]+)/log", self.path)
                if log and log[1] in proxy.logs:
                    proxy.read.append(self.path)
                    return self.answer(200, proxy.logs[log[1]])
                upstream = api.connect()
                try:
                    kind = {"Content-Type": self.headers["Content-Type"]} if body else {}
                    upstream.request(self.command, self.path, body or None, kind)
                    reply = upstream.getresponse()
                    if "watch=1" in self.path or "watch=true" in self.path:
                        proxy.watched.append(self.path)
                        return self.stream(reply)
                    return self.answer(reply.status, reply.read())
                except (OSError, http.client.HTTPException):
                    self.close_connection = True
                    return None
                finally:
                    upstream.close()

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = forward

            def answer(self, status, body):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def stream(self, reply):
                self.send_response(reply.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                while True:
                    piece = reply.read1(65536)
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                    if not piece:
                        return

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self._directory = tempfile.TemporaryDirectory()
        self.kubeconfig = pathlib.Path(self._directory.name, "kubeconfig")
        self.kubeconfig.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:%d" % self._server.server_address[1]}}],
            "users": [{"name": "u", "user": {}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]}))

    def is_to_fail(self, request):
        with self._lock:
            self._count += 1
            if not self.fails or self._count % 3:
                return False
            self.failed.append(request)
            return True

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._directory.cleanup()
