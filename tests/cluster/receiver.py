#!/usr/bin/env python3
"""A receiver of Alertmanager's webhooks: appends each notification, as one JSON line with the time it came, to a file.

Usage: receiver.py PORT FILE
"""
import http.server
import json
import sys
from datetime import datetime, timezone


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        received_at = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        notification = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with open(sys.argv[2], "a", encoding="utf-8") as out:
            out.write(json.dumps({"receivedAt": received_at, **notification}) + "\n")
        self.send_response(200)
        self.end_headers()

    def do_GET(self):
        """Tells that it serves."""
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args):
        pass


http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
