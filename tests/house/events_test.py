#!/usr/bin/env python3
"""Every reason of an Event that the controller writes is in the table of docs/batch.md with its type, and the reverse."""
import pathlib
import re
import unittest

TREE = pathlib.Path(__file__).resolve().parents[2]
CALL = re.compile(r'\.(Normal|Warning)\(\s*(?:\w+ \? )?"(\w+)"(?: : "(\w+)")?')
OTHERS = re.compile(r'\bHalt\(\s*"(\w+)"|\bWrite\("(Normal|Warning)", "(\w+)"')


def written():
    """Reason and type, as they stand in the sources."""
    found = set()
    for path in (TREE / "controller/cluster").rglob("*.cpp"):
        text = path.read_text(encoding="utf-8")
        for kind, *reasons in CALL.findall(text):
            found |= {(reason, kind) for reason in reasons if reason}
        for halted, kind, reason in OTHERS.findall(text):
            found.add((halted, "Warning") if halted else (reason, kind))
    return found


def documented():
    """From `A`, `B` | Normal, Warning: one type for all, or one for each."""
    table = (TREE / "docs/batch.md").read_text(encoding="utf-8").split("| Event | type |")[1].split("\n\n")[0]
    found = set()
    for row in table.splitlines()[2:]:
        names, kinds = (re.findall(r"\w+", cell) for cell in row.split("|")[1:3])
        kinds *= len(names) if len(kinds) == 1 else 1
        found |= set(zip(names, kinds, strict=True))
    return found


class Events(unittest.TestCase):
    def test_the_table_is_what_the_program_writes(self):
        self.assertEqual(documented(), written())
        self.assertGreater(len(written()), 10)


if __name__ == "__main__":
    unittest.main()
