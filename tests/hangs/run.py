#!/usr/bin/env python3
"""Runs the labelled corpus (scenarios.py) under the real runner, and says how well the runner judges.

    run.py RUNNER [--scale F] [--repeat N] [--busy] [--only NAME...] [--jobs N] [--again]
    run.py RUNNER --default-thresholds --only-proved

Acceptance: each hung scenario is flagged in its class within its threshold and a tenth of it, no healthy one is ever
flagged. The delay is counted from the moment at which the program itself says that it is stuck. No two scenarios have
the same fingerprint, and none has two (groups.py).
"""
import argparse
import concurrent.futures
import contextlib
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import threading
import time

import groups
import launch
import scenarios
from watch import Thresholds, watch

LABELS = ("Deadlock", "Idle", "Busy", "Looping", "Overdue", "Deadline", "healthy")
ASLEEP_AT_ONCE = 48  # scenarios that do next to nothing
START_APART = 0.05   # seconds: interpreters that start together would all be late


def arguments():
    parser = argparse.ArgumentParser(description="Runs the labelled corpus under imagebatch-runner.")
    parser.add_argument("runner", type=pathlib.Path)
    parser.add_argument("--scale", type=float, default=1, help="of all thresholds; 1: 8 to 16 s")
    parser.add_argument("--repeat", type=int, default=1, help="so many runs, one after another")
    parser.add_argument("--busy", action="store_true", help="keep every core busy meanwhile")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="scenarios or classes")
    parser.add_argument("--jobs", type=int, default=3 * (os.cpu_count() or 1),
                        help="scenarios at once that each would keep a core busy (3 per core)")
    parser.add_argument("--default-thresholds", action="store_true", help="the runner's own")
    parser.add_argument("--only-proved", action="store_true", help="those of class Deadlock alone")
    parser.add_argument("--again", action="store_true",
                        help="give those that failed a second try, alone: for machines that do much else meanwhile")
    parser.add_argument("--build", type=pathlib.Path, default=launch.HERE.parents[1] / "build" / "hangs",
                        help="where programs are compiled")
    return parser.parse_args()


def choose(options, programs):
    """The scenarios to run; those that this machine cannot run are named."""
    chosen, left_out = [], 0
    for scenario in scenarios.SCENARIOS:
        if options.only and not {scenario.name, scenario.label} & set(options.only):
            continue
        if options.only_proved and scenario.label != "Deadlock":
            continue
        if missing := programs.missing(scenario):
            print(f"skipped {scenario.name}: this machine has no {missing}")
            left_out += 1
            continue
        chosen.append(scenario)
    if not chosen:
        sys.exit("error: no such scenario")
    return chosen, left_out


@contextlib.contextmanager
def busy_cores(wanted):
    """A loop on each core; they end with this process."""
    loops = []
    if wanted:
        loops = [subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "sh", "-c", "while :; do :; done"])
                 for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


class Starter:
    """Lets one scenario start at a time, a little apart."""

    def __init__(self, run):
        self.run, self.turn = run, threading.Lock()

    def __call__(self, scenario):
        with self.turn:
            time.sleep(START_APART)
        return self.run(scenario)


def run_all(chosen, jobs, run):
    """Yields what was seen of each, in the order in which they end."""
    order = {label: place for place, label in enumerate(("healthy", "Looping", "Busy", "Idle", "Overdue", "Deadline", "Deadlock"))}
    longest_first = sorted(chosen, key=lambda scenario: order[scenario.label])
    start = Starter(run)
    with concurrent.futures.ThreadPoolExecutor(jobs) as working, \
            concurrent.futures.ThreadPoolExecutor(ASLEEP_AT_ONCE) as asleep:
        running = [(working if scenario.cores else asleep).submit(start, scenario) for scenario in longest_first]
        for done in concurrent.futures.as_completed(running):
            yield done.result()


def line_of(seen):
    delay = "" if seen.delay is None else f" {seen.delay:+.2f} s"
    return f"  {seen.scenario.name:28}{seen.scenario.label:10}{seen.problem or (seen.found + delay)}"


def second_try(seen, judge):
    print(f"once more: {seen.scenario.name}", flush=True)
    again = judge(seen.scenario)
    print(line_of(again), flush=True)
    return again


def report(all_seen, thresholds):
    print(f"\n{'class':10}{'scenarios':>10}{'runs':>6}{'recall':>9}{'wrong class':>13}{'missed':>8}{'late':>6}"
          f"{'delay beyond the threshold: median, max':>44}")
    for label in LABELS:
        group = [seen for seen in all_seen if seen.scenario.label == label]
        if not group:
            continue
        names = {seen.scenario.name for seen in group}
        if label == "healthy":
            flagged = sum(bool(seen.found) for seen in group)
            failed = sum(bool(seen.problem) for seen in group) - flagged
            print(f"{label:10}{len(names):10}{len(group):6}   false flags: {flagged}, failed otherwise: {failed}")
            continue
        right = [seen for seen in group if seen.found == label]
        wrong = sum(seen.found not in ("", label) for seen in group)
        missed = sum(not seen.found for seen in group)
        late = sum(bool(seen.problem) for seen in right)
        text = "-"
        if delays := [seen.delay for seen in right if seen.delay is not None]:
            threshold = thresholds.of(label)
            text = ", ".join(f"{value:.2f} s ({100 * value / threshold:.1f} %)"
                             for value in (statistics.median(delays), max(delays)))
        recall = 100 * len(right) / len(group)
        print(f"{label:10}{len(names):10}{len(group):6}{recall:8.1f}%{wrong:13}{missed:8}{late:6}{text:>44}")


def main():
    # A shell that starts this with "&" would have the programs ignore them, and theirs with it: by that the runner knows
    # what a shell waits for.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    options = arguments()
    thresholds = Thresholds.default() if options.default_thresholds else Thresholds.scaled(options.scale)
    programs = launch.Programs(options.build)
    chosen, left_out = choose(options, programs)
    programs.compile(chosen)
    runner = options.runner.resolve()
    everything, start = [], time.monotonic()

    def judge(scenario):
        return watch(runner, programs, scenario, thresholds)

    with busy_cores(options.busy):
        for turn in range(options.repeat):
            turn_start, seen_now = time.monotonic(), []
            for seen in run_all(chosen, options.jobs, judge):
                seen_now.append(seen)
                if seen.problem or options.repeat == 1:
                    print(line_of(seen), flush=True)
                if seen.problem:
                    print(f"    {seen.verdict[:1500]}", flush=True)
            if options.again:
                seen_now = [second_try(seen, judge) if seen.problem else seen for seen in seen_now]
            everything += seen_now
            bad = sum(bool(seen.problem) for seen in seen_now)
            if options.repeat > 1:
                print(f"run {turn + 1}: {len(seen_now) - bad} passed, {bad} failed, "
                      f"{time.monotonic() - turn_start:.0f} s", flush=True)
    launch.remove_cgroups()
    report(everything, thresholds)
    mixed = list(groups.wrong(everything))
    for line in mixed:
        print(f"fingerprints: {line}")
    failed = sum(bool(seen.problem) for seen in everything)
    seconds = time.monotonic() - start
    print(f"\n{len(everything) - failed} passed, {failed} failed, {left_out} skipped in {seconds:.0f} s")
    sys.exit(1 if failed or mixed else 0)


if __name__ == "__main__":
    main()
