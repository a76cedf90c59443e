#!/usr/bin/env python3
"""Prints the fingerprint and the summary of each hang of the corpus (scenarios.py).

    fingerprints.py RUNNER [--repeat N] [--only NAME...] [--jobs N] [--build DIRECTORY]

Each is run as several rows of a batch would run it: from other directories, with other process ids, in another
environment, and looked at another moment. Fails where a scenario has more than one fingerprint, or two share one that
are not said to be the same (Scenario.same_as).
"""
import argparse
import collections
import os
import pathlib
import shutil
import sys
import tempfile

import groups
import launch
import run
from watch import Row, Thresholds, watch

ROWS = ("django__django-17087", "sympy__sympy-13480", "astropy__astropy-7166", "pydata__xarray-4094")


def arguments():
    parser = argparse.ArgumentParser(description="Prints the fingerprints of the corpus.")
    parser.add_argument("runner", type=pathlib.Path)
    parser.add_argument("--repeat", type=int, default=2, help="so many rows (2)")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="scenarios or classes")
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1),
                        help="scenarios at once that each would keep a core busy (2 per core)")
    parser.add_argument("--build", type=pathlib.Path, default=launch.HERE.parents[1] / "build" / "hangs",
                        help="where programs are compiled")
    options = parser.parse_args()
    options.only_proved = False
    return options


def run_rows(options, chosen, programs):
    """What was seen of each scenario as each row."""
    for turn in range(options.repeat):
        name = ROWS[turn % len(ROWS)]
        row = Row(f"{name}.{turn}", 1000 * turn * turn)
        with tempfile.TemporaryDirectory(prefix=f"{name}-") as directory:
            moved = programs.move(pathlib.Path(directory) / row.name)
            thresholds = Thresholds.scaled(1 + 0.07 * turn)
            yield from run.run_all(chosen, options.jobs,
                                   lambda scenario: watch(options.runner.resolve(), moved, scenario, thresholds, row))


def main():
    options = arguments()
    programs = launch.Programs(options.build)
    chosen, _ = run.choose(options, programs)
    chosen = [scenario for scenario in chosen if scenario.label != "healthy"]
    programs.compile(chosen)
    all_seen = []
    for seen in run_rows(options, chosen, programs):
        all_seen.append(seen)
        if seen.problem:
            print(f"{run.line_of(seen).strip()}\n    {seen.verdict[:600]}", flush=True)
    rows = collections.defaultdict(list)
    for seen in all_seen:
        if seen.found and (known := groups.of(seen)):
            rows[(seen.scenario.name, seen.found, *known)].append(seen)
    order = {scenario.name: place for place, scenario in enumerate(chosen)}
    width = min(shutil.get_terminal_size((240, 24)).columns, 240)
    print(f"{'scenario':28}{'class':10}{'runs':>4}  {'fingerprint':14}summary")
    for (name, label, mark, words), group in sorted(rows.items(), key=lambda entry: (order[entry[0][0]], entry[0])):
        print(f"{name:28}{label:10}{len(group):4}  {mark:14}{words}"[:width])
    wrong = list(groups.wrong(all_seen))
    missing = {scenario.name for scenario in chosen} - {name for name, *_ in rows}
    wrong += [f"{name} was not flagged" for name in sorted(missing)]
    for line in wrong:
        print(f"wrong: {line}")
    print(f"\n{len(chosen)} scenarios, {len(all_seen)} runs, {len({mark for _, _, mark, _ in rows})} fingerprints, {len(wrong)} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
