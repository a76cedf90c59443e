#!/usr/bin/env python3
"""`imagebatch rows` as people call it: files of each format, and a server that speaks as Hugging Face's datasets server does.

Needs IMAGEBATCH, the program.
"""
import contextlib
import http.server
import json
import os
import pathlib
import pty
import subprocess
import tempfile
import threading
import unittest
import urllib.parse

import yaml

IMAGEBATCH = os.environ["IMAGEBATCH"]
ROOT = pathlib.Path(__file__).resolve().parents[2]
VERIFIED = ROOT / "tests/data/swebench-verified.jsonl"
BATCH = """
apiVersion: imagebatch.dev/v1alpha1
kind: ImageBatch
metadata: {name: b}
spec:
  images:
    configMaps: [{name: r-1, key: rows.jsonl}]
    nameFrom: $(owner)-$(id)
  variables: {registry: r.example}
  stages:
  - name: image
    image: $(registry)/i:$(name)
    template: {spec: {containers: [{name: build, image: i, command: [x, $(commit)]}]}}
"""


def run(*arguments, stdin=None, **environment):
    clean = {name: value for name, value in os.environ.items()
             if name not in ("HF_TOKEN", "KUBECONFIG") and not name.lower().endswith("_proxy")}
    return subprocess.run([IMAGEBATCH, "rows", *map(str, arguments)], input=stdin, capture_output=True, timeout=100,
                          env={**clean, **environment}, check=False, text=isinstance(stdin, str) or stdin is None)


class Dataset:
    """One split of 250 rows, with faults before the replies."""

    def __init__(self):
        self.rows = [{"id": "row-%d" % i, "commit": "%040x" % i, "tests": ["a"], "score": 1.5, "patch": "x" * 100}
                     for i in range(250)]
        self.faults = []       # (status, headers), seconds, or "cut": the connection ends within the reply; each once
        self.requests = []     # (path, query, token)
        self.truncated = []
        self.lock = threading.Lock()

    def answer(self, path, query, token):
        """Status, headers and body."""
        with self.lock:
            self.requests.append((path, query, token))
            fault = self.faults.pop(0) if self.faults else None
        if fault == "cut":
            return 200, {"Content-Length": 10**6, "Connection": "close"}, {}
        if isinstance(fault, tuple):
            return fault[0], fault[1], {"error": "as the test wishes"}
        if fault is not None:
            threading.Event().wait(fault)
        if query.get("dataset") != "owner/set":
            return 404, {}, {"error": "The dataset does not exist, or is not accessible without authentication."}
        if path == "/splits":
            return 200, {}, {"splits": [{"dataset": "owner/set", "config": "default", "split": "test"}],
                             "pending": [], "failed": []}
        if path != "/rows" or (query.get("config"), query.get("split")) != ("default", "test"):
            return 404, {}, {"error": "no such page"}
        offset, length = int(query["offset"]), int(query["length"])
        if length > 100:
            return 422, {}, {"error": "Parameter 'length' must not be greater than 100"}
        rows = [{"row_idx": i, "row": self.rows[i], "truncated_cells": self.truncated}
                for i in range(offset, min(offset + length, len(self.rows)))]
        features = [{"feature_idx": i, "name": name, "type": {"dtype": "string", "_type": "Value"}}
                    for i, name in enumerate((self.rows or [{}])[0])]
        return 200, {}, {"features": features, "rows": rows, "num_rows_total": len(self.rows),
                         "num_rows_per_page": 100, "partial": False}


@contextlib.contextmanager
def serving(dataset):
    """Its URL."""
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):  # pylint: disable=invalid-name
            url = urllib.parse.urlsplit(self.path)
            query = dict(urllib.parse.parse_qsl(url.query))
            status, headers, body = dataset.answer(url.path, query, self.headers.get("Authorization"))
            payload = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", "Content-Length": len(payload), **headers}.items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(payload)
            if headers.get("Connection") == "close":
                self.close_connection = True

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield "http://127.0.0.1:%d" % server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Scratch(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.directory = pathlib.Path(scratch.name)

    def file(self, name, text):
        path = self.directory / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def rows(self, done):
        """The rows of the ConfigMaps that were written."""
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = []
        for number, config_map in enumerate(yaml.safe_load_all(done.stdout), 1):
            self.assertEqual((config_map["kind"], config_map["immutable"]), ("ConfigMap", True))
            self.assertTrue(config_map["metadata"]["name"].endswith("-%d" % number))
            self.assertLess(len(json.dumps(config_map)), 2**20)
            rows += map(json.loads, config_map["data"]["rows.jsonl"].splitlines())
        return rows

    def refused(self, done, message, code=1):
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        self.assertIn(message, done.stderr)


class FilesTest(Scratch):
    EXPECTED = [{"id": "a", "commit": "1"}, {"id": "b", "commit": "2,\n\"x\""}]

    def test_each_format_gives_the_same_rows(self):
        texts = {
            "r.jsonl": '\ufeff{"id": "a", "commit": "1", "patch": null}\r\n\r\n{"id": "b", "commit": "2,\\n\\"x\\""}\r\n',
            "r.json": json.dumps(self.EXPECTED, indent=1),
            "r.yaml": "- {id: a, commit: '1'}\n- id: b\n  commit: \"2,\\n\\\"x\\\"\"\n",
            "r.csv": '\ufeffid,commit\r\na,1\r\nb,"2,\n""x"""\r\n',
        }
        for name, text in texts.items():
            with self.subTest(name):
                done = run(self.file(name, text), "--name", "r")
                self.assertEqual(self.rows(done), self.EXPECTED)
                self.assertIn("2 rows; in the batch, as spec.images:\n  configMaps:\n  - {name: r-1, key: rows.jsonl}",
                              done.stderr)
                piped = run("-", "--format", name.split(".")[1], "--name", "r", stdin=text.encode())
                self.assertEqual(piped.stdout.decode(), done.stdout)

    def test_the_rows_of_a_batch_file(self):
        batch = self.file("batch.yaml", BATCH)
        rows = self.file("r.jsonl", "".join(json.dumps({"owner": "o", "id": i, "commit": "c%d" % i, "patch": "x" * 5000,
                                                        "tests": []}) + "\n" for i in range(900)))
        done = run(rows, "--for", batch, "--name", "r", "-n", "builds")
        self.assertEqual(self.rows(done)[899], {"owner": "o", "id": 899, "commit": "c899"})
        self.assertEqual(yaml.safe_load(done.stdout)["metadata"], {"name": "r-1", "namespace": "builds"})
        made = self.file("rows.yaml", done.stdout.replace("  namespace: builds\n", ""))
        valid = subprocess.run([IMAGEBATCH, "validate", str(batch), str(made)], capture_output=True, text=True,
                               timeout=60, check=False)
        self.assertIn("is valid: 900 rows, 900 builds in 1 stage", valid.stdout + valid.stderr)
        some = run(rows, "--for", batch, "--name", "r", "--select", self.file("names", "o-7\r\n\no-3"))
        self.assertEqual([row["id"] for row in self.rows(some)], [3, 7])
        self.refused(run(rows, "--for", batch, "--name", "r", "--select", self.file("names", "o-7\no-x")),
                     "names: no row has this name: o-x")
        self.refused(run(rows, "--for", batch, "--name", "r", "--select", self.file("names", "\n")),
                     "names: has no names; give one on each line")

    def test_large_rows_are_spread_over_config_maps(self):
        expected = [{"id": str(i), "patch": '"\\\n' * 3000 + "\u2028\u0085\u007f\ufeff\U0001f600"} for i in range(200)]
        done = run(self.file("r.json", json.dumps(expected)), "--name", "r")
        self.assertEqual(self.rows(done), expected)
        self.assertGreater(done.stdout.count("---"), 2)

    def test_what_a_batch_cannot_use_is_left_out_and_told(self):
        rows = self.file("r.jsonl", '{"id": "a", "tests": ["x"], "Unnamed: 0": 1, "v": 4.10}\n')
        done = run(rows, "-o", "jsonl")
        self.assertEqual(done.stdout, '{"id": "a", "v": 4.10}\n')
        self.assertEqual(done.stderr, "left out, as a batch cannot use them: Unnamed: 0, tests\n")
        self.assertEqual(run("-o", "jsonl", "--columns", "v,id", rows).stdout, '{"id": "a", "v": 4.10}\n')
        self.refused(run(rows, "-o", "jsonl", "--columns", "id,tests"),
                     'r.jsonl line 1: column "tests" is a list; a row may contain only strings, numbers and booleans')

    def test_what_is_wrong_is_told_with_its_line(self):
        for name, text, message in [
                ("r.jsonl", b'{"a": 1}\n{"a": NaN}\n', "r.jsonl line 2: column 7: NaN is not JSON"),
                ("r.jsonl", b'{"a": 1}\n\n{"a": 1, "a": 2}\n', 'r.jsonl line 3: duplicate column "a"'),
                ("r.jsonl", b'{"a": "\\ud800"}\n', "r.jsonl line 1: column 14: "),
                ("r.jsonl", b'{"a": "\xff"}\n', "r.jsonl line 1, column 8: is not UTF-8"),
                ("r.jsonl", b"", "r.jsonl: has no rows"),
                ("r.json", b'[{"a": 1},\n{"a": 1', "r.json line 2: line 2, column "),
                ("r.csv", b'a,b\n1,2\n3\n', "r.csv line 3: has 1 fields, but the first line names 2 columns"),
                ("r.csv", b'a\n"x\n', "r.csv line 2: the quote that begins here is never closed"),
                ("r.yaml", b"- a: 1\n- a: 1\n  a: 2\n", "r.yaml line 3, column 3: "),
                ("r.yaml", b"- a: 4.10\n", 'r.yaml line 1: column "a" is a number with a fraction; put it in quotes'),
                ("rows", b"a,b\n", "rows: is it JSON Lines, JSON, YAML or CSV? Say so with --format")]:
            with self.subTest(name, text=text):
                self.refused(run(self.file(name, text), "--name", "r"), message)
        self.refused(run(self.directory / "none.csv", "--name", "r"), "none.csv: cannot be read: No such file")

    def test_wrong_usage(self):
        rows = self.file("r.jsonl", "{}")
        for arguments, message in [
                ([], "give either FILE or --dataset"),
                ([rows, "--dataset", "a/b", "--name", "r"], "give either FILE or --dataset"),
                ([rows], "--name is required"),
                ([rows, "--name", "R"], '--name "R" must be lower-case letters'),
                ([rows, "--name", "r", "-n", "a.b"], '--namespace "a.b" must be'),
                ([rows, "--name", "r", "--select", rows], "--select needs --for"),
                ([rows, "--name", "r", "--columns", "a", "--for", rows], "excludes --")]:
            with self.subTest(message):
                self.refused(run(*arguments), message, 2)
        self.refused(run(rows, "--name", "r", "--columns", "a b"), '--columns: "a b" cannot be used in a batch')

    def test_the_help_fits_a_screen(self):
        done = run("--help")
        self.assertEqual(done.returncode, 0)
        lines = done.stdout.splitlines()
        self.assertLessEqual(len(lines), 45)
        self.assertLessEqual(max(map(len, lines)), 110)


class DatasetTest(Scratch):
    def setUp(self):
        super().setUp()
        self.dataset = Dataset()
        self.url = self.enter(self.dataset)

    def enter(self, dataset):
        server = serving(dataset)
        url = server.__enter__()  # pylint: disable=unnecessary-dunder-call
        self.addCleanup(server.__exit__, None, None, None)
        return url

    def fetch(self, *arguments, dataset="owner/set", **environment):
        return run("--dataset", dataset, "--server", self.url, "--name", "set", *arguments, **environment)

    def test_all_pages(self):
        done = self.fetch("--split", "test", "--columns", "id,commit")
        self.assertEqual(self.rows(done), [{"id": row["id"], "commit": row["commit"]} for row in self.dataset.rows])
        self.assertEqual([(path, query.get("offset")) for path, query, _ in self.dataset.requests],
                         [("/splits", None), ("/rows", "0"), ("/rows", "100"), ("/rows", "200")])
        self.assertNotIn("\r", done.stderr)

    def test_faults_are_waited_out(self):
        self.dataset.faults = [(429, {"Retry-After": "1"}), (500, {}), 0.5, "cut", (503, {"Retry-After": "0"}), (502, {})]
        done = self.fetch("-o", "jsonl", "--columns", "id")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.splitlines(), ['{"id": "row-%d"}' % i for i in range(250)])
        self.assertIn("data set owner/set: the server answers 429: as the test wishes; trying again in 1 s", done.stderr)
        self.assertEqual(done.stderr.count("trying again"), 5)

    def test_a_terminal_has_a_progress_bar(self):
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        command = [IMAGEBATCH, "rows", "--dataset", "owner/set", "--server", self.url, "-o", "jsonl", "--columns", "id"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, timeout=60, check=False,
                              env={**os.environ, "TERM": "xterm"})
        os.close(theirs)
        seen = os.read(ours, 65536).decode()
        self.assertEqual((done.returncode, len(done.stdout.splitlines())), (0, 250))
        self.assertIn("] 100 of 250", seen)
        self.assertIn("] 250 of 250", seen)
        self.assertTrue(seen.endswith("\r\x1b[K"), seen)   # nothing of it stays

    def test_a_cut_value_is_an_error_where_it_is_wanted(self):
        self.dataset.truncated = ["patch"]
        self.assertEqual(self.fetch("-o", "jsonl", "--columns", "id").returncode, 0)
        self.refused(self.fetch("-o", "jsonl", "--columns", "id,patch"),
                     'data set owner/set: row 0: the server cut column "patch" short')

    def test_what_the_server_refuses_is_told(self):
        self.refused(self.fetch(dataset="owner/none"),
                     "data set owner/none: the server answers 404: The dataset does not exist, or is not accessible "
                     "without authentication. (a private or gated data set needs a token in HF_TOKEN)")
        self.refused(self.fetch("--split", "train"), "give one of these (CONFIG/SPLIT) with --config and --split: "
                                                     "default/test")
        self.dataset.rows = []
        self.refused(self.fetch(), "owner/set: has no rows")
        self.dataset.faults = [(301, {"Location": "http://127.0.0.1:1/"})]
        self.refused(self.fetch(), "the server answers 301")

    def test_the_token_goes_to_the_server_alone(self):
        other = Dataset()
        elsewhere = self.enter(other)
        self.assertEqual(self.fetch("-o", "jsonl", HF_TOKEN="hf_secret").returncode, 0)
        self.assertEqual({token for _, _, token in self.dataset.requests}, {"Bearer hf_secret"})
        self.dataset.faults = [(302, {"Location": elsewhere + "/splits?dataset=owner/set"})]
        refused = self.fetch(HF_TOKEN="hf_secret")
        self.refused(refused, "the server answers 302")
        self.assertEqual(other.requests, [])
        self.assertNotIn("hf_secret", refused.stderr)
        clear = run("--dataset", "a/b", "--server", "http://mirror.example", "--name", "x", HF_TOKEN="hf_secret")
        self.refused(clear, "HF_TOKEN would be sent in the clear; use https://, or unset HF_TOKEN")
        self.assertEqual(run("--dataset", "owner/set", "--server", self.url, "-o", "jsonl").returncode, 0)
        self.assertIsNone(self.dataset.requests[-1][2])

    def test_the_way_through_a_proxy(self):
        mirror = ["--dataset", "owner/set", "--server", "http://mirror.example", "-o", "jsonl", "--columns", "id"]
        done = run(*mirror, HTTP_PROXY=self.url)
        self.assertEqual((done.returncode, len(done.stdout.splitlines())), (0, 250), done.stderr)
        self.refused(run(*mirror, HTTP_PROXY="socks5://127.0.0.1:1"), "socks5")

    def test_a_real_list_of_rows(self):
        self.dataset.rows = [json.loads(line) for line in VERIFIED.read_text(encoding="utf-8").splitlines()]
        self.assertEqual(self.rows(self.fetch("--split", "test")), self.dataset.rows)


if __name__ == "__main__":
    unittest.main(verbosity=2)
