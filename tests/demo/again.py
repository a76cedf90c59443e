#!/usr/bin/env python3
"""The demo's batch once more, on the images of the last time: with `existing: Skip` only those are built that the registry does
not have, which is the one that hung. Where the registry does not have the others, the demo comes first.

    again.py --image REFERENCE [--images N] [--help for more]
"""
import datetime
import sys
import time

import cluster
import demo
from cluster import REGISTRY, Failed

SKIP_SECONDS = 60   # until all that is there is skipped; a controller asks 20 times in a second


def objects(options, rows):
    """The same batch, and what it needs; what hung the last time is built as all others are."""
    again = demo.batch(options, hanging="none")
    again["spec"]["existing"] = "Skip"
    lines = demo.config_map("verified", {"rows.jsonl": demo.lines_of(rows)})
    return [demo.config_map("context", demo.context_files()), lines, again]


def watch(options, display, there):
    """Until the batch is complete; after how many seconds all that was there was skipped, and the last status."""
    deadline = time.monotonic() + options.timeout
    skipped_after = None
    while True:
        cluster.raise_if_a_daemon_failed()
        if time.monotonic() > deadline:
            raise Failed(f"not done within {options.timeout} s; look at: kubectl describe ib -n {demo.NAMESPACE}")
        status = (cluster.get("imagebatch", options.batch, "-n", demo.NAMESPACE) or {}).get("status", {})
        display.status(status)
        demo.raise_if_failed(status)
        seconds = time.monotonic() - display.start
        if skipped_after is None and status.get("skipped") == there:
            skipped_after = seconds
        if skipped_after is None and seconds > SKIP_SECONDS:
            raise Failed(f"{status.get('skipped', 0)} of {there} images were skipped within {SKIP_SECONDS} s")
        if any(each["type"] == "Complete" and each["status"] == "True" for each in status.get("conditions", [])):
            return skipped_after, status
        time.sleep(0.5)


def check(options, since, there, missing):
    """Results and audit log: what was there got no Job, and what was not got one."""
    deadline = time.monotonic() + 60
    print("waiting for the last results to be stored, at most 60 s", flush=True)
    while True:   # results are stored some seconds after the builds' end
        lines = cluster.results(demo.NAMESPACE, options.batch)
        found = {status: {tag for line in lines if line["status"] == status for tag in line["tags"]}
                 for status in ("skipped_remote_exists", "built")}
        if found == {"skipped_remote_exists": there, "built": missing}:
            break
        if time.monotonic() > deadline:
            raise Failed(f"the results have {len(found['skipped_remote_exists'])} skipped and {sorted(found['built'])[:5]} built, "
                         f"not {len(there)} and {sorted(missing)[:5]}")
        time.sleep(0.5)
    if undigested := [line["name"] for line in lines if not line.get("digest")]:
        raise Failed(f"results without a digest: {undigested[:5]}")
    if absent := missing - cluster.tags():
        raise Failed(f"not in the registry: {sorted(absent)[:5]}")
    jobs = demo.created_jobs(since)
    if len(jobs) != len(missing) or any(count != 1 for count in jobs.values()):
        raise Failed(f"Jobs were created for more than the {len(missing)} missing images: {dict(list(jobs.items())[:5])}")
    print(f"audit log: Jobs created: {len(jobs)}, none for the {len(there)} images that were there")


def run(options):
    rows = demo.choose_rows(options.images)
    hung = demo.image_of(demo.hanging_row(rows))
    expected = demo.expected_images(rows)
    if not expected - {hung} <= cluster.tags():
        print(f"the registry does not have the {len(expected) - 1} images of a demo with --images {options.images}; "
              "so that comes first\n", flush=True)
        demo.run(options)
        print("\nand now the same batch again\n", flush=True)
    display = demo.Display()
    since = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
    options.batch = demo.free_name()
    display.say(f"installing the chart, at most {cluster.INSTALL_SECONDS} s; the controller may ask the registry {REGISTRY}")
    cluster.install(options.image, "--set", f"registries={{http://{REGISTRY}}}")
    display.say(f"waiting for an empty namespace {demo.NAMESPACE}, at most {cluster.NAMESPACE_SECONDS} s")
    cluster.fresh_namespace(demo.NAMESPACE)
    there = expected & cluster.tags()
    missing = expected - there
    display.say(f"batch {options.batch} with existing: Skip; the registry has {len(there)} of its {len(expected)} images")
    cluster.apply(*objects(options, rows))
    display.start = time.monotonic()
    skipped_after, status = watch(options, display, len(there))
    seconds = time.monotonic() - display.start
    display.say("")
    print(cluster.kubectl("get", "imagebatch", "-n", demo.NAMESPACE).rstrip())
    check(options, since, there, missing)
    print(f"\n{status['skipped']} of {status['total']} images skipped in {skipped_after:.0f} s, {status['succeeded']} built; "
          f"{seconds:.0f} s in all")
    for image in sorted(missing):
        print(f"  built: {image}")


if __name__ == "__main__":
    try:
        run(demo.arguments())
    except Failed as failure:
        sys.exit(f"\nerror: {failure}")
