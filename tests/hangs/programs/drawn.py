"""Lines that differ in one word: drawn at random by a loop that fails, or a name in a list. drawn.py NAME"""
import pathlib
import random
import string
import time

from common import programs_of, run, say, stuck, working

NAMES = pathlib.Path(__file__).resolve().parents[2] / "data" / "output" / "names.txt"
POD = "bcdfghjklmnpqrstvwxz2456789"  # Kubernetes' suffixes


def _loop(line, *holes, pause=1):
    """Each hole is an alphabet and a length."""
    draw = random.Random(5)
    stuck()
    while True:
        say(line.format(*("".join(draw.choices(alphabet, k=size)) for alphabet, size in holes)))
        time.sleep(pause)


def capitals():
    _loop("close: No space left on device: /var/lib/x/perm_test_{} (ENOSPC), retrying", (string.ascii_uppercase, 32))


def two_words():
    _loop("upload of {} to {} failed, trying again", (string.ascii_lowercase, 8), (string.ascii_lowercase, 6))


def pods():
    _loop("Error from server (NotFound): pods \"build-{}-{}\" not found", (POD, 9), (POD, 5))


def slow_tokens():
    _loop("session {} has expired, logging in again", (string.ascii_letters, 12), pause=2)


def letters_and_digits():
    _loop("job_{} failed: timeout", (string.ascii_lowercase + string.digits, 8))


def _names(line, end="\n"):
    names = NAMES.read_text(encoding="utf-8").split()
    for turn in working():
        say(line.format(names[turn]), end=end)
        time.sleep(0.4)


def apt():
    _names("Setting up {} (1.2-3) ...")


def cargo():
    _names("   Compiling {} v1.0.3")


def pytest():
    _names("tests/test_all.py::test_{} PASSED")


def pip():
    _names("Collecting {}")


def names_of_one_length():
    names = [name for name in NAMES.read_text(encoding="utf-8").split() if len(name) == 7]
    for turn in working():
        say(f"test {names[turn % len(names)]} ok")
        time.sleep(0.6)


def one_line_of_names():
    """Without a newline until the end."""
    _names("{} ", end="")


if __name__ == "__main__":
    run(programs_of(globals()))
