#!/usr/bin/env python3
"""That floor_plan.py finds what it is there for, each in a copy of the tree that has it."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
TREE = HERE.parents[1]


class FloorPlan(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.tree = pathlib.Path(scratch.name)
        shutil.copytree(TREE / "controller", self.tree / "controller")
        shutil.copytree(TREE / "docs", self.tree / "docs")

    def change(self, path, old, new):
        file = self.tree / path
        text = file.read_text(encoding="utf-8")
        self.assertIn(old, text)
        file.write_text(text.replace(old, new, 1), encoding="utf-8")

    def check(self):
        done = subprocess.run([sys.executable, "-B", HERE / "floor_plan.py", self.tree], capture_output=True, text=True,
                              check=False)
        return done.returncode, done.stdout + done.stderr

    def finds(self, words):
        code, said = self.check()
        self.assertEqual(code, 1, said)
        self.assertIn(words, said)

    def test_the_tree_is_as_it_should_be(self):
        self.assertEqual(self.check()[0], 0)

    def test_an_include_that_the_room_does_not_link(self):
        self.change("controller/plan/plan.cpp", "#include", '#include "kube/client.h"\n#include')
        self.finds("controller/plan/plan.cpp: includes kube/client.h")

    def test_a_header_that_shows_what_its_room_links_for_itself(self):
        self.change("controller/batch/read.h", "#include", '#include "document/read.h"\n#include')
        self.finds("controller/batch/read.h: includes document/read.h")

    def test_an_arrow_back_up(self):
        self.change("controller/cluster/objects/names.h", "#include", '#include "cluster/store/requests.h"\n#include')
        self.finds("controller/cluster/objects/names.h: includes cluster/store/requests.h")

    def test_a_circle(self):
        self.change("controller/base/time.h", "#include", '#include "base/text.h"\n#include')
        self.change("controller/base/text.h", "#include", '#include "base/time.h"\n#include')
        self.finds("includes go in a circle")

    def test_a_file_that_has_grown_too_large(self):
        self.change("controller/plan/plan.cpp", "#include", "//\n" * 400 + "#include")
        self.finds("of at most 400")

    def test_a_room_that_has_grown_too_large(self):
        for number in range(18):
            (self.tree / f"controller/plan/unit{number}.cpp").touch()
        self.finds("of at most 18")

    def test_an_arrow_that_the_docs_do_not_show(self):
        self.change("controller/plan/CMakeLists.txt", "imagebatch_base", "imagebatch_base imagebatch_hang")
        self.finds("docs/architecture.md: plan links ['base', 'hang'], shown is ['base']")


if __name__ == "__main__":
    unittest.main()
