#!/usr/bin/env python3
"""run.py killed in the middle leaves nothing running: killed_test.py RUNNER"""
import os
import pathlib
import secrets
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
VARIABLE = "IMAGEBATCH_KILLED_TEST"


def marked(token):
    """The command lines of the processes that have our variable."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and f"{VARIABLE}={token}".encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_bytes())
        except OSError:
            continue  # gone, or not ours to read
    return found


def wait_for(condition, what):
    end = time.monotonic() + 120
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"error: {what} did not come")
        time.sleep(0.05)


def main():
    token = secrets.token_hex(8)
    with tempfile.TemporaryDirectory() as build:
        # A program and a server outside of its build, each in namespaces of its own.
        command = [sys.executable, HERE / "run.py", sys.argv[1], "--build", build, "--only", "py_lock_of_another"]
        with subprocess.Popen(command, env={**os.environ, VARIABLE: token}, stdout=subprocess.DEVNULL) as run:
            def programs():
                return [command for command in marked(token) if b"remote.py" in command]

            wait_for(lambda: run.poll() is not None or len(programs()) > 2, "the scenario")
            if run.poll() is not None:
                print("skipped: this machine cannot run the scenario")
                return
            os.kill(run.pid, signal.SIGKILL)
        wait_for(lambda: not marked(token), "the end of all it has started")


if __name__ == "__main__":
    main()
