#!/usr/bin/env python3
"""imagebatch report as a user runs it: its outputs validate against the schemas, a program that consumes the manifest works
unchanged, and every source is read."""
import base64
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import jsonschema

HERE = pathlib.Path(__file__).resolve().parent
IMAGEBATCH = os.environ["IMAGEBATCH"]
CLI_USAGE = 2


def schema(name):
    document = json.loads((HERE / "schema" / f"{name}.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(document)
    return jsonschema.Draft202012Validator(document)


class ReportTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.top = pathlib.Path(directory.name)
        self.root = self.top / "builds" / "hello"
        self.root.mkdir(parents=True)

    def make_up(self, builds=200, parallelism=8):
        subprocess.run([sys.executable, "-B", HERE / "made_up.py", self.root, str(builds), str(parallelism)], check=True)

    def run_report(self, *words, text=None, expect=0):
        done = subprocess.run([IMAGEBATCH, "report", *map(str, words)], cwd=self.top, input=text, capture_output=True,
                              encoding="utf-8", check=False, timeout=120)
        self.assertEqual(done.returncode, expect, done.stderr)
        return done

    def manifest(self, *words, **more):
        done = self.run_report(*words, "-o", "jsonl", **more)
        return [json.loads(line) for line in done.stdout.splitlines()]


class SchemaTest(ReportTest):
    def test_every_line_of_the_manifest_and_the_summary_validate(self):
        self.make_up()
        lines = self.manifest("builds/hello")
        self.assertGreater({line["status"] for line in lines}, {"built"})
        for line in lines:
            schema("manifest").validate(line)
        summary = json.loads(self.run_report("builds/hello", "-o", "json").stdout)
        schema("summary").validate(summary)
        self.assertEqual(summary["total"], len(lines))
        self.assertEqual(summary["successful"], sum(line["status"] != "failed" for line in lines))

    def test_an_empty_batch_validates(self):
        (self.root / "results.jsonl").touch()
        schema("summary").validate(json.loads(self.run_report("builds/hello", "-o", "json").stdout))
        self.assertEqual(self.manifest("builds/hello"), [])

    def test_the_schema_refuses_what_the_manifest_that_is_replaced_got_wrong(self):
        self.make_up(20, 4)
        failed = next(line for line in self.manifest("builds/hello") if line["status"] == "built")
        self.assertTrue(list(schema("manifest").iter_errors(failed | {"error": "boom"})), "a failure that counts as built")
        self.assertTrue(list(schema("manifest").iter_errors(failed | {"duration_seconds": None})), "no duration")
        self.assertTrue(list(schema("manifest").iter_errors({**failed, "attempt_count": 0})), "no attempt")


class ConsumerTest(ReportTest):
    def test_a_program_that_consumes_the_manifest_works_unchanged(self):
        self.make_up()
        out = self.top / "artifact"
        out.mkdir()
        text = self.run_report("builds/hello", "-o", "jsonl").stdout
        (out / "manifest.jsonl").write_text(text, encoding="utf-8")
        read = json.loads(subprocess.run([sys.executable, "-B", HERE / "consumer.py", out], check=True, capture_output=True).stdout)
        summary = json.loads(self.run_report("builds/hello", "-o", "json").stdout)
        self.assertEqual(read["status_counts"], summary["status_counts"])
        self.assertEqual(read["retried"], summary["retried"])
        self.assertEqual(read["wall_clock_seconds"], summary["wall_clock_seconds"])
        self.assertAlmostEqual(read["cumulative_duration_seconds"], summary["cumulative_duration_seconds"], places=1)
        self.assertEqual(len(read["tags"]), summary["successful"])
        self.assertEqual(len(read["failed"]), summary["failed"])
        self.assertNotIn(None, read["failed"].values())


BATCH = """apiVersion: imagebatch.dev/v1alpha1
kind: ImageBatch
metadata: {name: hello, namespace: builds}
spec:
  images:
    rows: [{name: one}, {name: two}, {name: three}]
  stages:
  - name: base
    image: r.example/base:$(name)
    template:
      spec: {containers: [{name: build, image: b, command: ["true"]}]}
  - name: image
    needs: [base]
    image: r.example/image:$(name)
    template:
      spec: {containers: [{name: build, image: b, command: ["true"]}]}
"""


def result(name, status="built", **more):
    failed = status == "failed"
    return {"time": "2026-03-13T00:01:31Z", "stage": "base", "name": name, "tags": [] if failed else [f"r.example/base:{name}"],
            "status": status, "error": "Error: exit code 3" if failed else None, "reason": "Error" if failed else "Succeeded",
            "attempt_count": 1, "started_at": "2026-03-13T00:00:00Z", "finished_at": "2026-03-13T00:01:30Z",
            "duration_seconds": 90.0, "build": "abcdefghij", **more}


class SourceTest(ReportTest):
    def write(self, *results):
        text = "".join(json.dumps(one) + "\n" for one in results)
        (self.root / "results.jsonl").write_text(text, encoding="utf-8")
        return text

    def test_of_a_batch_file_all_builds_are_known(self):
        self.write(result("one"), result("two", "failed"))
        (self.top / "batch.yaml").write_text(BATCH, encoding="utf-8")
        summary = json.loads(self.run_report("batch.yaml", "-o", "json").stdout)
        schema("summary").validate(summary)
        self.assertEqual(summary["batch"], "hello")
        self.assertEqual((summary["total"], summary["built"], summary["failed"], summary["unfinished"]), (6, 1, 2, 3))
        needs = [line for line in self.manifest("batch.yaml") if line["error"] and "which it needs" in line["error"]]
        self.assertEqual([line["name"] for line in needs], ["two"])
        schema("manifest").validate(needs[0])
        self.assertEqual(len(self.manifest("batch.yaml", "--stage", "image")), 1)

    def test_a_batch_that_has_not_run_here_is_told_so(self):
        (self.top / "batch.yaml").write_text(BATCH, encoding="utf-8")
        self.assertIn("builds/hello: has no results.jsonl", self.run_report("batch.yaml", expect=1).stderr)

    def test_the_file_the_directory_and_a_pipe_say_the_same(self):
        text = self.write(result("one"))
        lines = self.manifest("builds/hello")
        self.assertEqual(lines, self.manifest("builds/hello/results.jsonl"))
        self.assertEqual(lines, self.manifest("-", text=text))
        for source in ("builds/hello", "builds/hello/", "builds/hello/results.jsonl", self.root):
            self.assertIn("## Batch hello\n", self.run_report(source).stdout)

    def test_objects_of_the_api_server(self):
        record = {"kind": "ImageBatchRecord", "metadata": {"name": "r", "labels": {"imagebatch.dev/batch": "hello"}},
                  "type": "Results", "results": [result("one"), result("two", "failed")]}
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": [record]}, indent=4)
        self.assertEqual([line["name"] for line in self.manifest("-", text=text)], ["one", "two"])

    def test_the_log_tells_the_times_of_buildkit_and_no_path_leads_out(self):
        log = self.root / "logs" / "base" / "one.1.log"
        log.parent.mkdir(parents=True)
        log.write_text("#9 exporting to image\n#9 pushing layers 3.3s done\n#9 DONE 12.5s\n", encoding="utf-8")
        (self.top / "outside.log").write_text("#9 exporting to image\n#9 DONE 99.0s\n", encoding="utf-8")
        (self.root / "link.log").symlink_to(self.top / "outside.log")
        self.write(result("one", log_path="logs/base/one.1.log"), result("two", log_path="../../outside.log"),
                   result("three", log_path=str(self.top / "outside.log")), result("four", log_path="link.log"),
                   result("five", log_path="logs/gone.log"))
        lines = {line["name"]: line for line in self.manifest("builds/hello")}
        self.assertEqual(lines["one"]["sdk_image_export_seconds"], 12.5)
        self.assertEqual(lines["one"]["sdk_push_layers_seconds"], 3.3)
        self.assertEqual(lines["one"]["log_path"], "builds/hello/logs/base/one.1.log")
        for name in ("two", "three", "four", "five"):
            self.assertIsNone(lines[name]["sdk_image_export_seconds"], name)

    def test_what_cannot_be_read_is_told_with_its_line_and_the_rest_is_printed(self):
        text = self.write(result("one")) + '{"name": "two", "status": NaN}\n' + json.dumps(result("three"))[:50]
        done = self.run_report("-", "-o", "jsonl", text=text, expect=1)
        self.assertEqual(len(done.stdout.splitlines()), 1)
        self.assertRegex(done.stderr, r"(?m)^-: line 2: .*\n-: line 3: is cut off")

    def test_wrong_usage_and_sources_that_are_not_there(self):
        self.run_report(expect=CLI_USAGE)
        self.run_report("x", "-o", "pdf", expect=CLI_USAGE)
        self.assertIn("gone.jsonl: cannot be read", self.run_report("gone.jsonl", expect=1).stderr)
        self.write(result("one"))
        self.assertIn('has no stage "x"', self.run_report("builds/hello", "--stage", "x", expect=1).stderr)

    def test_the_help_fits_one_screen_and_has_an_example(self):
        text = self.run_report("--help").stdout
        self.assertLessEqual(len(text.splitlines()), 24)
        self.assertIn("Example", text)


class PageTest(ReportTest):
    def test_the_policy_allows_the_style_and_the_script_that_are_there(self):
        self.make_up(50, 4)
        page = self.run_report("builds/hello", "-o", "html").stdout
        for tag, directive in (("style", "style-src"), ("script", "script-src")):
            digest = hashlib.sha256(re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL).group(1).encode()).digest()
            self.assertIn(f"{directive} 'sha256-{base64.b64encode(digest).decode()}'", page)

    def test_evidence_of_a_local_run_stands_in_the_page(self):
        self.make_up(50, 4)
        page = self.run_report("builds/hello", "-o", "html").stdout
        self.assertIn("5 processes wait only for one another", page)


if __name__ == "__main__":
    unittest.main()
