#!/usr/bin/env python3
"""Reads manifest.jsonl as those do who consume the manifest that imagebatch replaces: finds it below a directory, counts by
status, sums durations, and picks the tags of the images that are there. It knows nothing of imagebatch.

Usage: consumer.py DIRECTORY      prints one JSON object
"""
import collections
import datetime
import json
import pathlib
import sys


def main():
    records = []
    for manifest in sorted(pathlib.Path(sys.argv[1]).rglob("manifest.jsonl")):
        records += [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines() if line.strip()]
    starts = [datetime.datetime.fromisoformat(record["started_at"]) for record in records if record["started_at"]]
    ends = [datetime.datetime.fromisoformat(record["finished_at"]) for record in records if record["finished_at"]]
    print(json.dumps({
        "status_counts": collections.Counter(record["status"] for record in records),
        "retried": sum(1 for record in records if int(record.get("attempt_count") or 1) > 1),
        "wall_clock_seconds": (max(ends) - min(starts)).total_seconds() if starts and ends else None,
        "cumulative_duration_seconds": sum(float(record["duration_seconds"] or 0) for record in records),
        "tags": sorted(tag for record in records if record["status"] != "failed" for tag in record["tags"]),
        "failed": {record["base_image"]: record["error"] for record in records if record["status"] == "failed"},
    }))


if __name__ == "__main__":
    main()
