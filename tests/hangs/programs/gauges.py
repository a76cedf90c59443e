"""Figures that grow: what a monitor shows of a hung build, and how far a healthy one has come. gauges.py NAME"""
import itertools
import time

from common import programs_of, run, say, stuck, working


def _monitor(line):
    stuck()
    for turn in itertools.count():
        say(line.format(turn=turn, creep=turn / 10, percent=40 + turn / 10))
        time.sleep(1)


def memory():
    _monitor("[monitor] alive; rss {creep:.1f} MB of 2048.0 MB, heap used: {percent:.1f}%")


def disk():
    _monitor("disk usage on /var/lib: {percent:.1f}%, log file {creep:.1f} kB")


def table():
    """df -h"""
    _monitor("overlay          98G   {percent:.1f}G   51G  {percent:.1f}% /")


def container():
    """docker stats"""
    _monitor("builder   0.0{turn}%   {percent:.1f}MiB / 7.6GiB   {percent:.2f}%   1.2kB / 0B")


def minutes():
    """Of a limit."""
    _monitor("waiting for the approval: minute {turn}/60, {creep:.1f}% of the time limit")


def _advance(line, pause=0.7):
    for turn in working():
        say(line.format(turn=turn, size=turn * 1.5, percent=turn * 1.2))
        time.sleep(pause)


def disk_image():
    _advance("Converting disk image: {percent:.1f}%")


def wheel():
    _advance("Downloading torch-2.0.whl {size:.1f}/619.9 MB")


def copied():
    """dd, which knows no total."""
    _advance("\r{turn}000000 bytes ({turn}.0 MB, {turn}.0 MiB) copied, {turn} s, 1.0 MB/s")


def context():
    """docker build, the old way."""
    _advance("Sending build context to Docker daemon  {size:.2f}MB")


if __name__ == "__main__":
    run(programs_of(globals()))
