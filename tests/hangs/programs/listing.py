"""Healthy programs that start the same program for one thing after the other, without a word: listing.py NAME"""
import pathlib
import subprocess
import sys
import time

from common import programs_of, run, working

LINT = ("import asyncio, json, ssl, sys, time; "
        "text = open(sys.argv[1]).read() if sys.argv[1:] else sys.stdin.read(); time.sleep(0.4)")
NAMES = pathlib.Path(__file__).resolve().parents[2] / "data" / "output" / "names.txt"


def _sources():
    """Files that were there before, as those of a source tree are: they differ in a number."""
    sources = [pathlib.Path(f"module{number}.py") for number in range(200)]
    for number, source in enumerate(sources):
        source.write_text(f"x = {number}\n", encoding="ascii")
    time.sleep(2)
    return sources


def _lint(*arguments, **more):
    subprocess.run([sys.executable, "-I", "-c", LINT, *map(str, arguments)], check=True, **more)


def one_file_after_the_other():
    """ls | xargs -n1 lint"""
    sources = _sources()
    for turn in working():
        _lint(sources[turn])


def from_stdin():
    """for file in *; do lint <$file; done"""
    sources = _sources()
    for turn in working():
        with open(sources[turn], encoding="ascii") as source:
            _lint(stdin=source)


def one_name_after_the_other():
    """for name in ...; do pytest -q -k $name; done"""
    names = NAMES.read_text(encoding="utf-8").split()
    for turn in working():
        _lint("/dev/null", names[turn])


def one_directory_after_the_other():
    """for package in *; do (cd $package && make -s); done"""
    names = NAMES.read_text(encoding="utf-8").split()
    for turn in working():
        pathlib.Path(names[turn]).mkdir()
        _lint("/dev/null", cwd=names[turn])


if __name__ == "__main__":
    run(programs_of(globals()))
