#!/usr/bin/env python3
"""`imagebatch new`: what it prints passes `validate` and `render`, holds what the list held, and has the Pods of the samples.

Usage: new_test.py BINARY
"""
import pathlib
import random
import re
import subprocess
import sys
import unittest

import yaml

BINARY = pathlib.Path(sys.argv[1]).resolve()
SAMPLES = pathlib.Path(__file__).resolve().parents[2] / "manifests/samples"
BUILDERS = ("buildkit-rootless", "buildkit-privileged", "buildah")
LIST = """
# two of one repository
registry.example:5000/apps/one:v1 https://git.example/apps.git#main:one
registry.example:5000/apps/two:v1\thttps://git.example/apps.git?ref=main&subdir=two\r
"""


def run(*arguments, given=""):
    return subprocess.run([BINARY, *arguments], input=given, capture_output=True, text=isinstance(given, str), timeout=60, check=False)


class NewTest(unittest.TestCase):
    maxDiff = None

    def new(self, *arguments, given=LIST, name="apps"):
        done = run("new", name, "--images", "-", *arguments, given=given)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def fails(self, *arguments, given=LIST, name="apps"):
        done = run("new", name, "--images", "-", *arguments, given=given)
        self.assertEqual((done.returncode, done.stdout), (1, "" if isinstance(given, str) else b""))
        return (done.stderr if isinstance(given, str) else done.stderr.decode()).splitlines()

    def jobs(self, text):
        """What the controller would create."""
        valid = run("validate", "-", given=text)
        self.assertEqual((valid.returncode, valid.stderr), (0, ""))
        rendered = run("render", "-", given=text)
        self.assertEqual((rendered.returncode, rendered.stderr), (0, ""))
        return list(yaml.safe_load_all(rendered.stdout))

    @staticmethod
    def containers(jobs):
        return [each for job in jobs for each in job["spec"]["template"]["spec"]["containers"]]

    @staticmethod
    def rows(text):
        return yaml.safe_load(text)["spec"]["images"]["rows"]

    def test_each_builder_builds_what_the_list_says(self):
        for builder in BUILDERS:
            with self.subTest(builder):
                containers = self.containers(self.jobs(self.new("--builder", builder)))
                self.assertEqual(len(containers), 2)
                for container, image, context in zip(containers, ("one", "two"), ("#main:one", "?ref=main&subdir=two")):
                    words = " ".join(container["command"] + container["args"])
                    self.assertIn("registry.example:5000/apps/%s:v1" % image, words)
                    self.assertIn("https://git.example/apps.git" + context, words)

    def test_the_first_builder_is_the_default(self):
        self.assertEqual(self.new(), self.new("--builder", BUILDERS[0]))

    def test_it_is_written_as_by_hand(self):
        for builder in BUILDERS:
            text = self.new("--builder", builder)
            self.assertEqual([line for line in text.splitlines() if len(line) > 140 or line != line.rstrip()], [])
            self.assertIn("    - {name: one, push: \"registry.example:5000/apps/one:v1\", "
                          "context: \"https://git.example/apps.git#main:one\"}\n", text)
            self.assertIn("--docker-server=registry.example:5000 ", text)
            self.assertEqual(yaml.safe_load(text)["metadata"], {"name": "apps"})
            # Of no two the same comment, of each at least the Secret, the next step, and what a hang does
            comments = re.findall(r"(?:^|  )# .*", text, re.MULTILINE)
            self.assertGreater(len(comments), 6)
            self.assertEqual(len(set(comments)), len(comments))

    def test_the_pods_are_those_of_the_samples(self):
        for builder in BUILDERS:
            path = SAMPLES / (builder + ".yaml")
            sample = [each for each in yaml.safe_load_all(path.read_text(encoding="utf-8")) if each["kind"] == "ImageBatch"]
            theirs = sample[0]["spec"]["stages"][0]["template"]["spec"]
            ours = yaml.safe_load(self.new("--builder", builder))["spec"]["stages"][0]["template"]["spec"]
            for field in ("image", "env", "securityContext"):
                self.assertEqual(ours["containers"][0][field], theirs["containers"][0][field], builder)
            local = {"context"}     # theirs is in a ConfigMap
            self.assertEqual(ours["volumes"], [each for each in theirs["volumes"] if each["name"] not in local])
            self.assertEqual(ours["containers"][0]["volumeMounts"],
                             [each for each in theirs["containers"][0]["volumeMounts"] if each["name"] not in local])
            self.assertEqual(ours["containers"][0]["command"][0], theirs["containers"][0]["command"][0])

    def test_names_are_as_short_as_they_can_be(self):
        for images, names in (
                (("r.io/a/one:1", "r.io/b/two:1"), ["one", "two"]),
                (("r.io/a/app:one", "r.io/b/app:two"), ["one", "two"]),
                (("r.io/a/app:1", "r.io/a/app:2", "r.io/a/web:1"), ["app-1", "app-2", "web-1"]),
                (("r.io/a/app:1", "r.io/b/app:1"), ["a/app:1", "b/app:1"]),
                (("r.io/a/app:1", "q.io:5000/a/app:1", "localhost/a/app:1"),
                 ["r.io/a/app:1", "q.io:5000/a/app:1", "localhost/a/app:1"]),
                (("app:4.10", "app:no"), ["4.10", "no"])):
            text = self.new("--context", "https://git.example/apps.git", given="\n".join(images))
            self.assertEqual([row["name"] for row in self.rows(text)], names)
            self.assertEqual(len(self.jobs(text)), len(names))

    def test_one_context_for_all(self):
        for builder in BUILDERS:
            text = self.new("--builder", builder, "--context", "https://git.example/apps.git#main:$(name)",
                            given="\ufeffr.io/one:1\nr.io/two:1\n")
            for container, name in zip(self.containers(self.jobs(text)), ("one", "two")):
                self.assertIn("https://git.example/apps.git#main:" + name, " ".join(container["args"]))

    def test_hostile_lists(self):
        """Whatever a list holds, either its lines are refused or the batch has just them."""
        dice = random.Random(1)
        pieces = ["r.io/a", ":1", ":no", "/", "'", '"', "\\", "{", "}", ", push: x", ": ", "#", " #x", "$(name)", "$$", "$(nope)", "&a",
                  "*a", "!!x", "|", ">", "%", "@", "`", "\t", "\x1b[2J", "é", "\u2028", "https://", "git@h:", "-", "--opt=x", "\0", " "]
        taken = 0
        for _ in range(120):
            context = "https://h/" + "".join(dice.choices(pieces, k=dice.randint(0, 4)))
            given = "r.io/a%s:%s %s\n" % ("".join(dice.choices(pieces, k=dice.randint(0, 1))), dice.randint(0, 9), context)
            done = run("new", "b", "--images", "-", given=given)
            if done.returncode != 0:
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertRegex(done.stderr, r"^standard input:1: [^\x00-\x1f]+\n$", given)
                continue
            taken += 1
            row, = self.rows(done.stdout)
            self.assertEqual([row["push"], row["context"]], given.split()[:2])
            container, = self.containers(self.jobs(done.stdout))
            # As the kubelet reads it
            self.assertIn("--opt=context=" + row["context"], [word.replace("$$", "$") for word in container["args"]])
        self.assertGreater(taken, 10)

    def test_what_is_wrong_is_said_with_the_line(self):
        self.assertEqual(self.fails(given="r.io/a:1 https://h/x\n\nr.io/a:1 https://h/y\nr.io/a https://h/z\nr.io/b:1\n"
                                          "r.io/c:1 -x\nr.io/d:1 https://h/x y\n")[0:1],
                         ['standard input:3: image "r.io/a:1" is in line 1, too'])
        said = "\n".join(self.fails(given="r.io/a https://h/z\nr.io/b:1\nr.io/c:1 -x\nr.io/d:1 https://h/x y\n"))
        for part in ('standard input:1: image "r.io/a": ', "standard input:2: no context behind the image, and no --context",
                     'standard input:3: context "-x" is no URL', "standard input:4: more than an image and a context"):
            self.assertIn(part, said)
        self.assertEqual(self.fails("--context", "https://h/y", given="r.io/a:1 https://h/x\n"),
                         ["standard input:1: has a context, and so has --context; give one of them"])
        self.assertEqual(self.fails(given="# nothing\n"), ["standard input: has no images"])
        self.assertIn("is no URL", self.fails("--context", "folder")[0])
        self.assertIn("nope", self.fails("--context", "https://h/$(nope)", given="r.io/a:1\n")[0])
        self.assertIn("metadata.name", self.fails(name="No Name")[0])
        self.assertIn("has 2001 images, and a batch file holds 2000",
                      self.fails("--context", "https://h/x", given="".join("r.io/a:%d\n" % i for i in range(2001)))[0])
        self.assertRegex(self.fails(given=b"r.io/\xff:1 https://h/x\n")[0], r'^standard input:1: image "r.io/\?:1": ')
        missing = run("new", "a", "--images", "/nowhere/list")
        self.assertEqual((missing.returncode, missing.stderr.count("\n")), (1, 1))
        self.assertIn("/nowhere/list", missing.stderr)
        self.assertEqual(run("new", "a").returncode, 2)
        self.assertEqual(run("new", "a", "--images", "-", "--builder", "kaniko", given=LIST).returncode, 2)

    def test_two_thousand_images(self):
        text = self.new("--context", "https://h/x", given="".join("r.io/a:%d\n" % i for i in range(2000)))
        self.assertEqual(run("validate", "-", given=text).returncode, 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
