"""Programs in Python around a dead process, which they need or do not: needed.py NAME"""
import concurrent.futures
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

from common import WAIT, programs_of, run, say

DEAD = [sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "dead.py"), "mutual_join"]


def _killed_pool():
    """Leaves the workers of a pool whose parent was killed: they wait at their queue for ever."""
    if os.fork() == 0:
        pool = concurrent.futures.ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("fork"))
        list(pool.map(abs, range(30)))
        os.kill(os.getpid(), signal.SIGKILL)
    os.wait()


def leftover_pool():
    """An earlier step has left dead workers; the build goes on, and is quiet now and then."""
    _killed_pool()
    time.sleep(WAIT)
    say("published")


def leftover_then_deaf():
    """The same, and then the build itself hangs."""
    _killed_pool()
    with subprocess.Popen(["sleep", "infinity"]) as child:
        with open(os.environ["STUCK"], "wb"):
            pass
        child.wait()


def run_with_limit():
    try:
        subprocess.run(DEAD, timeout=WAIT, check=False)
    except subprocess.TimeoutExpired:
        say("timed out, as expected")


def output_with_limit():
    try:
        subprocess.run(DEAD, timeout=WAIT, check=False, capture_output=True)
    except subprocess.TimeoutExpired:
        say("timed out, as expected")


def timer_thread():
    with subprocess.Popen(DEAD) as child:
        threading.Timer(WAIT, child.kill).start()
        child.wait()


def alarm():
    with subprocess.Popen(DEAD) as child:
        signal.signal(signal.SIGALRM, lambda *_: child.kill())
        signal.setitimer(signal.ITIMER_REAL, WAIT)
        child.wait()


def unasked_helper():
    """A helper that nobody asks for again is dead; the build waits for another child."""
    with subprocess.Popen(DEAD) as helper:
        subprocess.run(["sleep", str(WAIT)], check=True)
        helper.kill()


def sibling_with_limit():
    """A watcher beside the test ends it when its time is over."""
    with subprocess.Popen(DEAD) as child:
        if os.fork() == 0:
            for _ in range(int(WAIT / 0.1)):
                time.sleep(0.1)
            os.kill(child.pid, signal.SIGKILL)
            os._exit(0)
        child.wait()


def ticking_parent():
    """The parent of the dead one has a thread that ticks; it waits for the child all the same."""
    def tick():
        while True:
            time.sleep(0.1)

    threading.Thread(target=tick, daemon=True).start()
    with subprocess.Popen(DEAD) as child:
        child.wait()


def ticking_init():
    """As tini does: it waits for SIGCHLD, a little while at a time."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    with subprocess.Popen(DEAD) as child:
        while child.poll() is None:
            signal.sigtimedwait([signal.SIGCHLD], 0.3)


if __name__ == "__main__":
    run(programs_of(globals()))
