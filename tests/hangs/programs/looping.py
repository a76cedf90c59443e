"""Programs that go on writing and say nothing new: looping.py NAME"""
import itertools
import sys
import time

from common import programs_of, run, say, stuck


def spinner():
    say("Solving environment:  ", end="")
    stuck()
    for sign in itertools.cycle("|/-\\"):
        say(f"\b{sign}", end="")
        time.sleep(0.1)


def braille_spinner():
    """As npm and yarn turn it, over the whole line."""
    stuck()
    for sign in itertools.cycle("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"):
        say(f"\r\x1b[K{sign} reify:lodash: timing reifyNode", end="")
        time.sleep(0.1)


def heartbeat():
    stuck()
    while True:
        say("still building, please wait ...")
        time.sleep(1)


def dated_heartbeat():
    stuck()
    for turn in itertools.count(1):
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        say(f"{now} INFO scheduler: 1 task pending, {turn} s elapsed")
        time.sleep(1)


def retry_counter():
    stuck()
    for attempt in itertools.count(1):
        say(f"WARNING: Retrying (attempt {attempt}) after connection broken by 'NewConnectionError: "
            f"Connection refused': /simple/numpy/ (0x7f{attempt:010x})")
        time.sleep(0.7)


def one_error():
    """The same error as fast as it can be written."""
    line = "ERROR: could not write to cache: Read-only file system\n" * 100
    stuck()
    while True:
        sys.stdout.write(line)


def frozen_percentage():
    """The clock goes on, the percentage does not."""
    for percent in range(43):
        say(f"Downloading base.tar: {percent}% [{'#' * (percent // 5):20}] elapsed 0:00")
    stuck()
    for seconds in itertools.count(1):
        say(f"\rDownloading base.tar: 42% [########            ] elapsed {seconds // 60}:{seconds % 60:02}", end="")
        time.sleep(1)


def again_and_again():
    """A download that comes to its end, fails its check, and starts again."""
    for turn in itertools.count():
        for percent in range(0, 101, 5):
            say(f"\rDownloading layer: {percent}% {percent * 0.3:.1f}/30.0 MB", end="")
            time.sleep(0.05)
        say("\nchecksum mismatch, trying again")
        if turn == 0:
            stuck()


def lock_countdown():
    """apt behind another apt that never ends."""
    for seconds in itertools.count():
        say(f"\rWaiting for cache lock: Could not get lock /var/lib/dpkg/lock-frontend. "
            f"It is held by process 4711 (apt-get)... {seconds}s", end="")
        if seconds == 1:
            stuck()
        time.sleep(1)


def two_errors():
    """A circle of more than one line."""
    stuck()
    for turn in itertools.count():
        say(f"#9 {turn * 0.9:.3f} E: Failed to fetch http://deb.example/pool/main/c/curl_7.88.deb  503 Unavailable")
        say(f"#9 {turn * 0.9:.3f} E: Unable to fetch some archives, maybe run apt-get update?")
        time.sleep(0.9)


if __name__ == "__main__":
    run(programs_of(globals()))
