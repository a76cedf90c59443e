"""Polls that start their programs again and again: polling.py NAME"""
import itertools
import secrets
import subprocess
import sys
import time

from common import programs_of, run, say, stuck

LOAD = "import asyncio, email, http.client, json, logging.config, ssl, sys, unittest.mock, xml.etree.ElementTree"


def _turns(pause):
    """Counts the turns; the hang begins when all that a turn starts was seen."""
    for turn in itertools.count(1):
        if turn == 3:
            stuck()
        yield turn
        time.sleep(pause)


def _ask(*arguments):
    subprocess.run([sys.executable, "-I", "-c", LOAD + "; sys.exit(1)", *arguments], check=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def silent_check():
    """until manage.py check >/dev/null; do sleep 1; done"""
    for _ in _turns(1):
        _ask()


def numbered_check():
    """Each turn says which it is, and when, to the program alone."""
    for turn in _turns(0.7):
        _ask(f"--attempt={turn}", f"--since={time.time()}")


def check_with_nonce():
    """A request that no cache may answer."""
    for _ in _turns(0.7):
        nonce = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(16))
        _ask(f"http://127.0.0.1/ready?nonce={nonce}")


def check_with_temporary_file():
    script = ('file=$(mktemp); "$0" -I -c "$1" >"$file" 2>&1; grep -q ready "$file" && echo ready; rm -f "$file"')
    for _ in _turns(0.7):
        subprocess.run(["sh", "-c", script, sys.executable, LOAD], check=False)


def counted_check():
    """The same, and each turn is counted aloud."""
    for turn in _turns(1):
        _ask()
        say(f"check {turn}: not ready yet")


if __name__ == "__main__":
    run(programs_of(globals()))
