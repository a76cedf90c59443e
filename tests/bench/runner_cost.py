#!/usr/bin/env python3
"""Prints what the runner costs: time to start, CPU and memory beside 300 processes, throughput of output.

    runner_cost.py RUNNER [--seconds 60]

Figures beside "reference" are the same work without the runner, from the same run.
"""
import argparse
import os
import statistics
import subprocess
import tempfile
import time

TICK = os.sysconf("SC_CLK_TCK")


def command(runner, directory, *arguments):
    return [runner, "--state", f"{directory}/state", "--result", f"{directory}/result", "--", *arguments]


def milliseconds(arguments):
    start = time.perf_counter()
    subprocess.run(arguments, check=True)
    return (time.perf_counter() - start) * 1000


def start_milliseconds(runner, rounds=201):
    """Medians of `true` with and without the runner, in turns. Each finds an empty directory, as in a new container."""
    with_runner, without = [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as directory:
            with_runner.append(milliseconds(command(runner, directory, "true")))
        without.append(milliseconds(["true"]))
    return statistics.median(with_runner), statistics.median(without)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def resident_mebibytes(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def watcher(pid):
    """The process that watches: where the runner is not process 1, it stands below its guard (runner/guard.h)."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as children:
        for child in children.read().split():
            if os.path.samefile(f"/proc/{child}/exe", f"/proc/{pid}/exe"):
                return int(child)
    return pid


def watch(runner, directory, processes, seconds):
    """CPU in percent of a core and the largest resident set, over a tree that sleeps."""
    script = f"for i in $(seq {processes - 1}); do sleep 1000 & done; echo ready; exec sleep 1000"
    with subprocess.Popen(command(runner, directory, "sh", "-c", script), stdout=subprocess.PIPE) as run:
        run.stdout.readline()
        pid = watcher(run.pid)
        before, start = cpu_seconds(pid), time.monotonic()
        time.sleep(seconds)
        used = cpu_seconds(pid) - before
        share = 100 * used / (time.monotonic() - start)
        resident = resident_mebibytes(pid)
        run.terminate()
    return share, resident


def megabytes_per_second(arguments, megabytes):
    start = time.perf_counter()
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as run:
        subprocess.run(["cat"], stdin=run.stdout, stdout=subprocess.DEVNULL, check=True)
    return megabytes / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser(description="Prints what the runner costs.")
    parser.add_argument("runner")
    parser.add_argument("--seconds", type=float, default=60, help="of watching (60)")
    arguments = parser.parse_args()
    megabytes = 1000
    # Lines of a real length, so that the search for phases has its work too.
    writer = ["sh", "-c", f"yes '#7 12.34 a line of output as builds write it, of about eighty bytes or so ....' | head -c {megabytes}000000"]
    with tempfile.TemporaryDirectory() as directory:
        with_runner, without = start_milliseconds(arguments.runner)
        print(f"run `true`: {with_runner:.2f} ms, reference {without:.2f} ms")
        for processes in (1, 300):
            share, resident = watch(arguments.runner, directory, processes, arguments.seconds)
            print(f"watching {processes} processes: {share:.2f} % of a core, at most {resident:.1f} MiB resident")
        with_runner = megabytes_per_second(command(arguments.runner, directory, *writer), megabytes)
        without = megabytes_per_second(writer, megabytes)
        print(f"output through a pipe: {with_runner:.0f} MB/s, reference {without:.0f} MB/s")


if __name__ == "__main__":
    main()
