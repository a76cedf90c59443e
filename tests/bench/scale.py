#!/usr/bin/env python3
"""Memory and restarts of a controller at scale, against a real API server without nodes, so that no Job ever gets a Pod.

    scale.py measure --tree TREE BINARY OUTPUT    on the API server of $KUBECONFIG; TREE: where its CRD is. Figures as JSON
    scale.py compare BEFORE AFTER                 two such files side by side
"""
import argparse
import json
import os
import pathlib
import re
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "apiserver" / "controller"))

TARGETS = {"idle, MiB": 20, "while the Jobs are created, MiB": 40, "restarted with them, MiB": 40,
           "restarted with them, s": 1.0, "with the suspended batch beside them, MiB": 120,
           "restarted with both, MiB": 120}
CONFIG_MAP_BYTES = 900_000
TEMPLATE = {"spec": {"containers": [{
    "name": "build", "image": "registry.example/builder:1",
    "command": ["build", "--repository=$(repo)", "--commit=$(base_commit)", "--tag=$(image)"],
    "env": [{"name": "INSTANCE", "value": "$(instance_id)"}, {"name": "VERSION", "value": "$(version)"}],
    "resources": {"limits": {"cpu": "2", "memory": "4Gi"}, "requests": {"cpu": "1", "memory": "1Gi"}}}]}}


def row(number):
    """As large as a row of SWE-bench without its texts."""
    return json.dumps({"instance_id": f"organization__repository-{number:06}", "repo": "organization/repository",
                       "base_commit": f"{number:040x}", "environment_setup_commit": f"{number + 1:040x}", "version": "4.2"})


def create_batch(namespace, name, count, **spec):
    """A batch of so many rows in ConfigMaps."""
    texts = [""]
    for line in map(row, range(count)):
        if len(texts[-1]) + len(line) > CONFIG_MAP_BYTES:
            texts.append("")
        texts[-1] += line + "\n"
    maps = [{"name": f"{name}-rows-{i}", "key": "rows.jsonl"} for i in range(len(texts))]
    for each, text in zip(maps, texts):
        namespace.create_config_map(each["name"], {each["key"]: text})
    namespace.create_batch(name, images={"configMaps": maps, "nameFrom": "$(instance_id)"}, stages=[
        {"name": "image", "image": "registry.example/%s:$(name)" % name, "template": TEMPLATE}], **spec)


class Probe:
    """What the process and its pages tell."""

    def __init__(self, controller):
        self._controller = controller

    def peak(self):
        """The largest resident memory so far, in MiB."""
        status = pathlib.Path("/proc/%d/status" % self._controller.pid).read_text()
        return int(re.search(r"^VmHWM:\s+(\d+) kB", status, re.M).group(1)) / 1024

    def builds(self, batch, states):
        page = self._controller.get("/metrics")[1]
        series = re.findall(r'^imagebatch_builds\{[^}]*batch="%s"[^}]*state="(\w+)"\} (\S+)' % batch, page, re.M)
        return sum(float(value) for state, value in series if state in states)

    def settle(self):
        """Until it has done nothing for three seconds."""
        used = []

        def quiet():
            page = self._controller.get("/metrics")[1]
            used.append(float(re.search(r"^process_cpu_seconds_total (\S+)", page, re.M).group(1)))
            time.sleep(1)
            return len(used) > 3 and used[-1] - used[-4] < 0.2
        self._wait(quiet, "rest", 300)

    @staticmethod
    def _wait(*arguments):
        import cluster
        return cluster.wait_for(*arguments)


def jobs_of(namespace):
    """How many there are, without reading them."""
    listed = namespace.api.good("GET", namespace.jobs + "?limit=1")
    return len(listed["items"]) + listed["metadata"].get("remainingItemCount", 0)


def measure(tree, binary, jobs, rows):
    import cluster
    cluster.ROOT = tree
    figures = {}
    with cluster.alone():
        namespace = cluster.Namespace()
        controller = cluster.Controller(binary, namespace, "registry.example/runner:1")
        probe = Probe(controller)

        def note(name, value):
            figures[name] = value
            print(f"{name}: {value:.1f}", flush=True)

        def restart(what):
            """Kills it; what was changed meanwhile asks for one more Job."""
            controller.kill()
            before = jobs_of(namespace)
            namespace.change("jobs", {"parallelism": before + 1})
            start = time.monotonic()
            controller.start()
            cluster.wait_for(lambda: jobs_of(namespace) > before, "one more Job", 300)
            note(what + ", s", time.monotonic() - start)
            probe.settle()
            note(what + ", MiB", probe.peak())

        try:
            controller.wait_until_ready()
            probe.settle()
            note("idle, MiB", probe.peak())
            start = time.monotonic()
            create_batch(namespace, "jobs", jobs + 2, parallelism=jobs)
            cluster.wait_for(lambda: jobs_of(namespace) >= jobs, "all Jobs", 900)
            note("Jobs a second", jobs / (time.monotonic() - start))
            probe.settle()
            note("while the Jobs are created, MiB", probe.peak())
            restart("restarted with them")
            create_batch(namespace, "rows", rows, suspend=True)
            cluster.wait_for(lambda: probe.builds("rows", ("queued", "waiting")) >= rows, "the suspended batch", 300)
            probe.settle()
            note("with the suspended batch beside them, MiB", probe.peak())
            restart("restarted with both")
        except AssertionError:
            print(controller.log()[-2000:], file=sys.stderr)
            raise
        finally:
            controller.clean_up()
    return figures


def compare(before, after):
    print(f"{'':44}{'before':>9}{'now':>9}{'ratio':>7}{'target':>8}")
    for name, value in after.items():
        old = before.get(name)
        target = TARGETS.get(name)
        print(f"{name:44}{'' if old is None else format(old, '.1f'):>9}{value:9.1f}"
              f"{format(value / old, '.2f') if old else '':>7}{'' if target is None else target:>8}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("measure", "compare"))
    parser.add_argument("first")
    parser.add_argument("second")
    parser.add_argument("--tree", type=pathlib.Path)
    parser.add_argument("--jobs", type=int, default=9_998)
    parser.add_argument("--rows", type=int, default=100_000)
    options = parser.parse_args()
    if options.what == "compare":
        return compare(*(json.loads(pathlib.Path(name).read_text()) for name in (options.first, options.second)))
    figures = measure(options.tree, os.path.abspath(options.first), options.jobs, options.rows)
    pathlib.Path(options.second).write_text(json.dumps(figures, indent=1) + "\n")
    return None


if __name__ == "__main__":
    main()
