#!/usr/bin/env python3
"""clang-tidy over C++ sources, as many at a time as there are cores; what was clean is not looked at again.

usage: tidy.py BUILD CACHE FILE.cpp...

A file is clean for good under a key of all that clang-tidy reads: its own text and that of every header of this
repository it includes, its command, the checks, and the versions of clang-tidy and of the headers' packages. Findings
are printed each time. Exits with 1 if there are any.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]', re.M)
TIDY = "clang-tidy-14"
KEPT_SECONDS = 30 * 24 * 3600


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class Closure:
    """The files of this repository and of its build that a source includes, by way of others too."""

    def __init__(self):
        self.found = {}  # file -> (digest of its text, what it includes)

    def of(self, source, folders):
        todo, seen = [source], {}
        while todo:
            file = todo.pop()
            if file in seen:
                continue
            if file not in self.found:
                text = file.read_bytes()
                self.found[file] = (hashlib.sha256(text).hexdigest(), INCLUDE.findall(text.decode(errors="replace")))
            seen[file], names = self.found[file]
            for name in names:
                for folder in (file.parent, *folders):
                    if (folder / name).is_file():
                        todo.append((folder / name).resolve())
                        break
        return sorted((str(file.relative_to(ROOT)), digest) for file, digest in seen.items())


def include_folders(command, directory):
    """Those below the repository: what lies elsewhere belongs to packages, whose versions are in the key."""
    words = command.split()
    names = [word[2:] or words[i + 1] for i, word in enumerate(words[:-1]) if word.startswith("-I")]
    names += [words[i + 1] for i, word in enumerate(words[:-1]) if word == "-isystem"]
    folders = [pathlib.Path(directory, name).resolve() for name in names]
    return [folder for folder in folders if folder.is_relative_to(ROOT)]


def checks_of(source):
    """What the folders from the source's own up to the repository say."""
    found = [folder / ".clang-tidy" for folder in source.parents if folder.is_relative_to(ROOT)]
    return [path.read_text() for path in found if path.exists()]


def keys(sources, build):
    """source -> key"""
    commands = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        commands.setdefault(entry["file"], entry)  # a source that mutants too are made of comes first as itself
    tools = run(TIDY, "--version") + run("dpkg-query", "--show", "lib*-dev", "clang-tidy-14", "libclang-common-14-dev")
    closure, result = Closure(), {}
    for source in sources:
        entry = commands.get(str(source))
        if not entry:
            sys.exit(f"{source.relative_to(ROOT)} is in no target of {build.relative_to(ROOT)}: clang-tidy cannot know its flags")
        command = entry["command"].replace(str(ROOT), "")
        parts = [tools, checks_of(source), command, closure.of(source, include_folders(entry["command"], entry["directory"]))]
        result[source] = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    return result


def tidy(source, build, mark):
    """What clang-tidy finds, as text; empty when the source is clean, which is marked at once."""
    done = subprocess.run([TIDY, "-p", build, "-quiet", source], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return done.stdout or done.stderr
    mark.touch()
    return ""


def main():
    build, cache = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    cache.mkdir(parents=True, exist_ok=True)
    for old in cache.iterdir():
        if old.stat().st_mtime < time.time() - KEPT_SECONDS:
            old.unlink()
    marks = {source: cache / key for source, key in keys([pathlib.Path(name).resolve() for name in sys.argv[3:]], build).items()}
    for mark in marks.values():
        if mark.exists():
            mark.touch()
    unknown = [source for source, mark in marks.items() if not mark.exists()]
    print(f"clang-tidy: {len(unknown)} of {len(marks)} sources to look at, the others are known to be clean", flush=True)
    found = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for text in pool.map(lambda source: tidy(source, build, marks[source]), unknown):
            if text:
                found += 1
                print(text, flush=True)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
