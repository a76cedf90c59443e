"""Writes a recorded build as it came: replay.py RECORDING SPEED [TEXT]

With TEXT it is stuck where TEXT first appears, and goes on as long as the recording does; then it is silent for ever.
"""
import pathlib
import signal
import sys
import time

from common import stuck

DATA = pathlib.Path(__file__).resolve().parents[2] / "data" / "buildkit"


def main(name, speed, text=""):
    timing = [line.split() for line in (DATA / f"{name}.timing").read_text(encoding="ascii").splitlines()]
    marked = not text
    with open(DATA / name, "rb") as recording:
        due = time.monotonic()
        for seconds, size in timing:
            due += float(seconds) / float(speed)
            time.sleep(max(0.0, due - time.monotonic()))
            part = recording.read(int(size))
            sys.stdout.buffer.write(part)
            sys.stdout.buffer.flush()
            if not marked and text.encode() in part:
                stuck()
                marked = True
    if text:
        signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
