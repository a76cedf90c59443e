#!/usr/bin/env python3
"""What runbooks and alerts look for in the controller's log is what it writes: its levels by their names."""
import pathlib
import re
import unittest

TREE = pathlib.Path(__file__).resolve().parents[2]


class Runbooks(unittest.TestCase):
    def test_levels_are_those_of_the_log(self):
        levels = set(re.findall(r'[?:] "(\w+)"', (TREE / "controller/log/log.cpp").read_text(encoding="utf-8")))
        self.assertEqual(levels, {"debug", "info", "warn", "error"})
        places = 0
        for path in [*TREE.glob("docs/**/*.md"), *TREE.glob("charts/*/files/*.yaml")]:
            for pattern in re.findall(r'"level":"\(?([\w|]+)', path.read_text(encoding="utf-8")):
                places += 1
                self.assertLessEqual(set(pattern.split("|")), levels, path.name)
        self.assertGreater(places, 2)


if __name__ == "__main__":
    unittest.main()
