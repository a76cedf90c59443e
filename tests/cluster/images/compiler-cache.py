#!/usr/bin/env python3
"""What ccache calls a remote storage: serves files of a directory on the loopback device, so that the compiler's results
outlive BuildKit's state, which nobody else can read.

Usage: compiler-cache.py PORT DIRECTORY
What was not asked for in 30 days is removed when it starts.
"""
import http.server
import os
import pathlib
import re
import sys
import tempfile
import time

port, directory = int(sys.argv[1]), pathlib.Path(sys.argv[2])


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def path_of(self):
        """Of what is asked for; None where that is no key of ccache's."""
        key = self.path.lstrip("/")
        return directory / key.replace("/", "-") if re.fullmatch(r"[0-9a-z/]{10,100}", key) else None

    def answer(self, code, body=b""):
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        try:
            path = self.path_of()
            body = path.read_bytes()
            os.utime(path)
        except (AttributeError, FileNotFoundError):
            self.answer(404)
        else:
            self.answer(200, body)

    do_HEAD = do_GET

    def do_PUT(self):
        body, path = self.rfile.read(int(self.headers["Content-Length"])), self.path_of()
        if path is None:
            self.answer(400)
            return
        with tempfile.NamedTemporaryFile(dir=directory, delete=False) as file:
            file.write(body)
        os.replace(file.name, path)
        self.answer(201)

    def log_message(self, *args):
        pass


directory.mkdir(parents=True, exist_ok=True)
for old in directory.iterdir():
    if old.stat().st_mtime < time.time() - 30 * 86400:
        old.unlink(missing_ok=True)
http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
