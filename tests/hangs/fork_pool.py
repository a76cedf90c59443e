#!/usr/bin/env python3
"""The bug that this project began with: a process pool forked from a multi-threaded parent.

    fork_pool.py [--hang-on-attempts 1,3] -- COMMAND [ARG...]

A pool's worker runs COMMAND, its output inherited, and the program ends with COMMAND's exit code. In the attempts
named (IMAGEBATCH_ATTEMPT, 1 where it is not set; attempt 1 by default) a thread holds the lock of the log handler at
the moment of the fork. Each child gets a copy of the lock, locked, and no thread that could unlock it: the children
wait for it for ever, and the parent waits for their result. No message, no error, no CPU.
"""
import argparse
import logging
import multiprocessing
import os
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor

WORKERS = 4


class BufferedHandler(logging.Handler):
    """A handler with a lock of its own around its buffer, as those that write to a network or a shared file have.

    (logging renews the lock that logging.Handler itself has in a forked child; it cannot know of this one.)
    """

    def __init__(self):
        super().__init__()
        self.buffer_lock = threading.Lock()

    def emit(self, record):
        with self.buffer_lock:
            print(self.format(record), flush=True)


HANDLER = BufferedHandler()
LOG = logging.getLogger("pool")


def announce():
    LOG.info("worker %d is ready", os.getpid())


def build(command):
    LOG.info("building: %s", command[0])
    return subprocess.run(command, check=False).returncode


def hold_buffer_lock(held, forked):
    """What a slow write in another thread does by chance; here the fork always falls into it."""
    with HANDLER.buffer_lock:
        held.set()
        forked.wait()


def run(command, hang):
    held, forked = threading.Event(), threading.Event()
    writer = threading.Thread(target=hold_buffer_lock, args=(held, forked))
    if hang:
        writer.start()
        held.wait()
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(max_workers=WORKERS, mp_context=fork, initializer=announce) as pool:
        result = pool.submit(build, command)  # forks the workers
        forked.set()
        if "STUCK" in os.environ:  # the corpus asks when it began
            with open(os.environ["STUCK"], "wb"):
                pass
        return result.result()


def main():
    parser = argparse.ArgumentParser(usage="fork_pool.py [--hang-on-attempts LIST] -- COMMAND [ARG...]")
    parser.add_argument("--hang-on-attempts", default="1", metavar="LIST", help="attempts, parted by commas (1)")
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    LOG.addHandler(HANDLER)
    LOG.setLevel(logging.INFO)
    attempt = os.environ.get("IMAGEBATCH_ATTEMPT", "1")
    LOG.info("attempt %s: a pool of %d workers", attempt, WORKERS)
    return run(arguments.command, attempt in arguments.hang_on_attempts.split(","))


if __name__ == "__main__":
    sys.exit(main())
