#!/usr/bin/env python3
"""What `imagebatch` says to somebody who does not know its commands yet.

Usage: first_word_test.py BINARY
"""
import pathlib
import subprocess
import sys
import unittest

BINARY = pathlib.Path(sys.argv[1]).resolve()
HINT = "imagebatch --help lists the commands\n"


def run(*arguments):
    done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


class FirstWordTest(unittest.TestCase):
    def test_what_is_no_command(self):
        for words, said in (((), "which command?"), (("stauts",), 'there is no command "stauts"; did you mean status?'),
                            (("\x1b[2J",), 'there is no command "?[2J"'),
                            (("-n", "x", "status"), '"-n": options stand behind the command')):
            self.assertEqual(run(*words), (2, "", "imagebatch: " + said + "\n" + HINT))

    def test_help(self):
        code, text, said = run("--help")
        self.assertEqual((code, said), (0, ""))
        self.assertIn("\nExamples:\n  imagebatch run ", text)
        self.assertLessEqual(len(text.splitlines()), 40)
        self.assertEqual(run("help"), (0, text, ""))
        self.assertEqual(run("-h"), (0, text, ""))
        for command in ("status", "new"):
            self.assertEqual(run("help", command), run(command, "--help"))
        self.assertEqual(run("help", "stauts"), (2, "", 'imagebatch: there is no command "stauts"; did you mean status?\n' + HINT))

    def test_version(self):
        code, text, said = run("--version")
        self.assertEqual((code, said, run("version")), (0, "", (0, text, "")))
        self.assertRegex(text, r"^imagebatch \d+\.\d+\.\d+\n$")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
