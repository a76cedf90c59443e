#!/usr/bin/env python3
"""Keeps what a command writes, and when: record.py FILE [--seconds N] -- COMMAND [ARG...]

FILE has the bytes of stdout and stderr as they came. FILE.timing has a line for each read: the seconds since the read
before, and how many bytes came. The command is killed after N seconds: it says nothing of that.
"""
import argparse
import os
import signal
import subprocess
import time


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    with subprocess.Popen(options.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as run, \
            open(options.file, "wb") as output, open(options.file + ".timing", "w", encoding="ascii") as timing:
        last = time.monotonic()
        signal.signal(signal.SIGALRM, lambda *_: run.kill())
        signal.setitimer(signal.ITIMER_REAL, options.seconds)
        while part := os.read(run.stdout.fileno(), 1 << 16):
            now = time.monotonic()
            output.write(part)
            timing.write(f"{now - last:.3f} {len(part)}\n")
            last = now


if __name__ == "__main__":
    main()
