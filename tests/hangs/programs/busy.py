"""Programs in Python that compute for ever and get nowhere: busy.py NAME"""
import os
import re
import threading

from common import programs_of, run, stuck


def spin():
    stuck()
    while True:
        pass


def regular_expression():
    """Matches in a time that doubles with each letter."""
    stuck()
    re.match(r"(a+)+$", "a" * 60 + "b")


def poll_without_wait():
    """Asks all the time whether a child has ended, which never does."""
    child = os.fork()
    if child == 0:
        threading.Event().wait()
    stuck()
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        pass


if __name__ == "__main__":
    run(programs_of(globals()))
