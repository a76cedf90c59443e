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


def median_milliseconds(arguments, rounds=101):
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        subprocess.run(arguments, check=True)
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def resident_mebibytes(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def watch(runner, directory, processes, seconds):
    """CPU in percent of a core and the largest resident set, over a tree that sleeps."""
    script = f"for i in $(seq {processes - 1}); do sleep 1000 & done; echo ready; exec sleep 1000"
    with subprocess.Popen(command(runner, directory, "sh", "-c", script), stdout=subprocess.PIPE) as run:
        run.stdout.readline()
        before, start = cpu_seconds(run.pid), time.monotonic()
        time.sleep(seconds)
        used = cpu_seconds(run.pid) - before
        share = 100 * used / (time.monotonic() - start)
        resident = resident_mebibytes(run.pid)
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
        with_runner = median_milliseconds(command(arguments.runner, directory, "true"))
        without = median_milliseconds(["true"])
        print(f"run `true`: {with_runner:.2f} ms, reference {without:.2f} ms")
        for processes in (1, 300):
            share, resident = watch(arguments.runner, directory, processes, arguments.seconds)
            print(f"watching {processes} processes: {share:.2f} % of a core, at most {resident:.1f} MiB resident")
        with_runner = megabytes_per_second(command(arguments.runner, directory, *writer), megabytes)
        without = megabytes_per_second(writer, megabytes)
        print(f"output through a pipe: {with_runner:.0f} MB/s, reference {without:.0f} MB/s")


if __name__ == "__main__":
    main()
