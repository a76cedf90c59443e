#!/usr/bin/env python3
"""images.select, limit and seed beside the pandas that is installed: the same rows in the same order.

Needs IMAGEBATCH, the program. Its interpreter is one that has pandas (python3-pandas of Debian: /usr/bin/python3).
"""
import json
import os
import pathlib
import random
import subprocess
import tempfile
import unittest

import pandas

IMAGEBATCH = os.environ["IMAGEBATCH"]


def batch(images):
    container = {"name": "build", "image": "builder", "command": ["build"]}
    return {"apiVersion": "imagebatch.dev/v1alpha1", "kind": "ImageBatch", "metadata": {"name": "sample"},
            "spec": {"images": images,
                     "stages": [{"name": "image", "image": "r/i:$(id)", "template": {"spec": {"containers": [container]}}}]}}


def config_map(name, text):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"text": text}}


class PandasTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.file = pathlib.Path(scratch.name) / "batch.json"

    def built(self, documents):
        """The names of the builds, in the order in which the controller would create their Jobs."""
        self.file.write_text("\n---\n".join(map(json.dumps, documents)), encoding="utf-8")
        done = subprocess.run([IMAGEBATCH, "render", str(self.file), "-o", "json"], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        jobs = map(json.loads, done.stdout.splitlines())
        return [job["metadata"]["annotations"]["imagebatch.dev/name"] for job in jobs]

    def test_the_same_rows_in_the_same_order(self):
        cases = [(1, 1, 42), (2, 5, 0), (17, 16, 2**32 - 1), (500, 50, 42), (513, 513, 1)]
        dice = random.Random(11)
        cases += [(dice.randrange(2, 900), dice.randrange(1, 60), dice.randrange(2**32)) for _ in range(12)]
        for count, limit, seed in cases:
            with self.subTest(rows=count, limit=limit, seed=seed):
                frame = pandas.DataFrame({"id": ["row-%d" % i for i in range(count)]})
                expected = frame.sample(n=min(limit, count), random_state=seed)["id"].tolist()
                rows = "\n".join(json.dumps({"id": name, "patch": None}) for name in frame["id"])
                images = {"configMaps": [{"name": "rows", "key": "text"}], "nameFrom": "$(id)", "limit": limit, "seed": seed}
                self.assertEqual(self.built([batch(images), config_map("rows", rows)]), expected)

    def test_selected_first(self):
        frame = pandas.DataFrame({"id": ["row-%d" % i for i in range(300)]})
        names = ["row-%d" % i for i in random.Random(5).sample(range(300), 80)]
        expected = frame[frame["id"].isin(names)].sample(n=20, random_state=42)["id"].tolist()
        rows = [{"id": name} for name in frame["id"]]
        images = {"rows": rows, "nameFrom": "$(id)", "limit": 20}
        self.assertEqual(self.built([batch({**images, "select": {"names": names}})]), expected)
        in_a_config_map = batch({**images, "select": {"configMap": {"name": "names", "key": "text"}}})
        self.assertEqual(self.built([in_a_config_map, config_map("names", "\r\n".join(names))]), expected)


if __name__ == "__main__":
    unittest.main(verbosity=2)
