"""What the Python programs of the corpus share."""
import os
import sys
import threading
import time

WAIT = float(os.environ.get("WAIT", "10"))  # longer than a deadlock takes to be proved, shorter than Idle
WORK = float(os.environ.get("WORK", "20"))  # longer than every threshold
SILENT = float(os.environ.get("SILENT", "16"))


def stuck():
    """From here on the program hangs: the time of the file $STUCK is the beginning of the hang."""
    with open(os.environ["STUCK"], "wb"):
        pass


def forever():
    """Waits for a lock of its own that nobody will release."""
    threading.Event().wait()


def fork(child):
    """The pid of a process that calls `child` and ends."""
    pid = os.fork()
    if pid == 0:
        child()
        os._exit(0)
    return pid


def say(text, end="\n"):
    print(text, end=end, flush=True)


def working(seconds=WORK):
    """Counts 0, 1, 2, ... until so much time has passed."""
    end, turn = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        yield turn
        turn += 1


def compute(seconds):
    """Uses so much CPU."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        sum(range(10000))


def run(programs):
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in programs:
        sys.exit(f"no such program: {name}")
    programs[name](*sys.argv[2:])


def programs_of(module):
    """The public functions that a module defines itself."""
    return {name: value for name, value in module.items()
            if callable(value) and not name.startswith("_") and getattr(value, "__module__", "") == "__main__"}
