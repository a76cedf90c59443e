#!/usr/bin/env python3
"""docs/cli.md against what the program says of itself: each command has a section there, with an example and, there or on the
page that it leads to, all of its options; each --help fits one screen and has an example and the exit codes; and no section is
of a command that is none.

Usage: cli_docs_test.py BINARY
"""
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

BINARY = sys.argv[1]
FOLDER = pathlib.Path(__file__).resolve().parents[2] / "docs"
DOCS = (FOLDER / "cli.md").read_text(encoding="utf-8")
SCREEN_LINES, SCREEN_COLUMNS = 40, 120
# Explained once for all commands, or by themselves
COMMON = {"--help", "--namespace", "--context", "--kubeconfig"}
PLAIN = {"version", "help"}         # print one thing
ELSEWHERE = {"controller"}          # its options are for the chart


def show(*arguments):
    done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def commands():
    listed = show("--help").partition("Subcommands:\n")[2].partition("\n\n")[0]
    return re.findall(r"^  ([a-z-]+)\s", listed, re.MULTILINE)


def sections():
    """Of the commands in the docs, by name."""
    text = DOCS.partition("\n## Commands\n")[2].partition("\n## ")[0]
    parts = re.split(r"^### (\S+)$", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2]))


def explained(section):
    """The section, and the pages that it leads to with `See`."""
    pages = re.findall(r"See \[[^]]+\]\((\S+\.md)\)", section)
    return section + "".join((FOLDER / page).read_text(encoding="utf-8") for page in pages)


class CliDocsTest(unittest.TestCase):
    def test_each_command_has_a_section(self):
        self.assertEqual(sorted(sections()), sorted(commands()))

    def test_each_section_has_the_options_and_an_example(self):
        for command in set(commands()) - PLAIN - ELSEWHERE:
            with self.subTest(command):
                listed = show(command, "--help").partition("Options:\n")[2].partition("\n\n")[0]
                for letter, option in re.findall(r"^  (?:(-[a-zA-Z]),)?(--[a-z][a-z-]*)", listed, re.MULTILINE):
                    text = explained(sections()[command])
                    self.assertTrue(option in COMMON or option in text or (letter and "`" + letter in text), option)
                self.assertIn("```sh\nimagebatch " + command, sections()[command])

    def test_the_docs_know_no_other_options(self):
        for command in set(commands()) - ELSEWHERE:
            with self.subTest(command):
                said = show(command, "--help")
                for option in re.findall(r"`(--[a-z-]+)", sections()[command]):
                    self.assertIn(option, said)

    def test_each_help_fits_one_screen_and_has_an_example(self):
        for command in commands():
            with self.subTest(command):
                lines = show(command, "--help").splitlines()
                self.assertLessEqual(len(lines), SCREEN_LINES)
                if command not in ELSEWHERE:
                    self.assertLessEqual(max(map(len, lines)), SCREEN_COLUMNS)
                if command not in PLAIN | ELSEWHERE:
                    self.assertRegex("\n".join(lines), r"Examples?:\n  imagebatch " + command)
                    self.assertIn("Exit codes: 0", "\n".join(lines))

    def test_bash_completes_what_the_help_shows(self):
        def complete(*words):
            script = 'eval "$(%s completion bash)"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _imagebatch; echo "${COMPREPLY[*]}"'
            done = subprocess.run(["bash", "-uec", script % BINARY, "bash", "imagebatch", *words], capture_output=True, text=True,
                                  timeout=60, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            return done.stdout.split()

        self.assertEqual(sorted(complete("")), sorted(commands()))
        self.assertEqual(complete("sta"), ["status"])
        for command in commands():
            shown = set(re.findall(r"(--[a-z][a-z-]*)", show(command, "--help").partition("Options:\n")[2].partition("\n\n")[0]))
            self.assertEqual({word for word in complete(command, "-") if word.startswith("--")}, shown, command)
        self.assertEqual(complete("status", "-A", "-o", "w"), ["wide"])
        self.assertEqual(complete("status", "-n", ""), [])
        self.assertEqual(complete("status", "hello", "--out"), ["--output"])

    def test_as_a_plugin_of_kubectl_it_is_called_so(self):
        with tempfile.TemporaryDirectory() as folder:
            link = pathlib.Path(folder, "kubectl-imagebatch")
            link.symlink_to(pathlib.Path(BINARY).resolve())
            help_text = subprocess.run([link, "status", "--help"], capture_output=True, text=True, timeout=60, check=True).stdout
        self.assertIn("Usage: kubectl imagebatch status [OPTIONS] [BATCH]", help_text)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
