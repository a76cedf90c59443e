#!/usr/bin/env python3
"""Tells Prometheus the controller's Pods (http_sd): Debian's build of it cannot ask Kubernetes itself.

Usage: discovery.py PORT API-SERVER CA CERTIFICATE KEY
Targets are the ports named metrics of running Pods with the label app.kubernetes.io/name=imagebatch.
"""
import http.server
import json
import ssl
import sys
import urllib.request

port, api_server, authority, certificate, key = sys.argv[1:]
PODS = api_server + "/api/v1/pods?labelSelector=app.kubernetes.io/name%3Dimagebatch"
context = ssl.create_default_context(cafile=authority)
context.load_cert_chain(certificate, key)


def targets():
    with urllib.request.urlopen(PODS, context=context, timeout=5) as response:
        pods = json.load(response)["items"]
    return [f"{pod['status']['podIP']}:{port['containerPort']}"
            for pod in pods if pod["status"].get("podIP") and pod["status"]["phase"] == "Running"
            for container in pod["spec"]["containers"]
            for port in container.get("ports", []) if port.get("name") == "metrics"]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            body = json.dumps([{"targets": targets()}]).encode()
        except OSError as error:   # Prometheus keeps the targets it has
            self.send_error(503, str(error))
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


http.server.HTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()
