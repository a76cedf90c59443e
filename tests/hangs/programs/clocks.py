"""Counters: heartbeats over what hangs, and what works and counts. clocks.py NAME"""
import itertools
import random
import subprocess
import sys
import threading
import time

from common import compute, programs_of, run, say, stuck, working


def _spin():
    while True:
        pass


def _beat(words):
    for turn in itertools.count(1):
        say(words.format(turn, turn + 1))
        time.sleep(1)


def _beat_in_a_thread(words):
    threading.Thread(target=_beat, args=(words,), daemon=True).start()
    stuck()
    _spin()


def beside_a_child():
    """A wrapper that counts while its test spins."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]):
        stuck()
        _beat("still running, {}")


def in_a_thread():
    _beat_in_a_thread("[watchdog] beat number {}")


def dots():
    """A dot in each second."""
    say("running the test ", end="")

    def beat():
        while True:
            say(".", end="")
            time.sleep(1)

    threading.Thread(target=beat, daemon=True).start()
    stuck()
    _spin()


def moving_total():
    """Its end moves away as it comes nearer."""
    _beat_in_a_thread("completed {} of {} tasks")


def tests_of_a_second():
    """A third of the time is CPU."""
    for turn in working():
        compute(0.3)
        time.sleep(0.7)
        say(f"test {turn + 1} ok")


def tests_that_compute():
    for turn in working():
        compute(0.8)
        say(f"layer {turn + 1}: done")


def fast_uneven_work():
    """Several files a second, each as long as it takes."""
    draw = random.Random(1)
    for turn in working():
        compute(draw.choice((0.02, 0.05, 0.1, 0.2, 0.5)))
        say(f"file {turn + 1}: done")


def a_process_for_each_test():
    """prove, ctest: whoever prints has started the one who computes."""
    program = ("import sys, time\nend = time.process_time() + 0.4\n"
               "while time.process_time() < end: pass\ntime.sleep(0.4)")
    for turn in working():
        subprocess.run([sys.executable, "-I", "-c", program, str(turn)], check=True)
        say(f"ok {turn + 1}")


def towards_a_total():
    for turn in working():
        say(f"[{turn + 1}/100] Building")
        time.sleep(1)


if __name__ == "__main__":
    run(programs_of(globals()))
