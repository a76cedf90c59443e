#!/usr/bin/env python3
"""The README's section "Use" as it stands, from the chart to a complete batch, on the throwaway cluster.

Usage: readme_test.py BINARY
Needs KUBECONFIG of the cluster, and KUBECTL beside helm and docker-registry. Only the registry's name is changed. There is no
Docker here: what its line makes is what image.sh makes from the same Dockerfile. An imagebatch that is installed from the chart
is removed, and so is the namespace "builds".
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import doors
from cases_test import kubectl

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests/cluster"
KEPT = ["crd/imagebatches.imagebatch.dev", "crd/imagebatchrecords.imagebatch.dev", "clusterrole/imagebatch-editor",
        "clusterrole/imagebatch-viewer"]       # by the chart, when a release ends
NAMESPACES = ["builds", "imagebatch-system"]   # as the README calls them
DOCKER = "docker build -t registry.example:5000/imagebatch:0.1.0 . && docker push registry.example:5000/imagebatch:0.1.0\n"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks():
    """The section's blocks: (language, text)."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Use\n")[2].partition("\n## ")[0]
    found = BLOCK.findall(section)
    assert [language for language, _ in found] == ["sh", "sh", "yaml", "sh"], [language for language, _ in found]
    assert found[0][1].startswith(DOCKER), found[0][1]
    return [(language, text.removeprefix(DOCKER).replace("registry.example:5000", doors.LOGIN_REGISTRY))
            for language, text in found]


def push_image():
    """The controller's image, under the README's name."""
    made = subprocess.run([HERE / "image.sh"], check=True, capture_output=True, text=True).stdout.strip()
    cache = pathlib.Path(os.environ.get("IMAGEBATCH_CACHE", pathlib.Path.home() / ".cache/imagebatch"))
    archive = cache / "images" / ("imagebatch-%s.tar" % made.rpartition(":")[2])
    subprocess.run([HERE / "images/push.py", archive, doors.REGISTRY + "/imagebatch:0.1.0"], check=True)


def give_what_is_kept(namespace):
    """To the release of the chart in this namespace: Helm leaves what is another's alone."""
    for kept in filter(lambda each: kubectl("get", each, check=False).returncode == 0, KEPT):
        kubectl("annotate", kept, "--overwrite", "meta.helm.sh/release-name=imagebatch",
                "meta.helm.sh/release-namespace=" + namespace)
        kubectl("label", kept, "--overwrite", "app.kubernetes.io/managed-by=Helm")


def clean_up():
    for namespace in ("imagebatch", *NAMESPACES):
        subprocess.run([doors.TOOLS / "helm", "uninstall", "imagebatch", "-n", namespace, "--ignore-not-found", "--wait"],
                       check=True, capture_output=True)
    kubectl("delete", "namespace", *NAMESPACES, "--ignore-not-found", "--wait", "--timeout=120s", timeout=130)


def run(binary):
    environment = {**os.environ, "PATH": "%s:%s:%s" % (pathlib.Path(binary).parent, doors.TOOLS, os.environ["PATH"])}
    with tempfile.TemporaryDirectory() as directory, doors.login_registry(node_may_pull=True):
        # Where the README is read: beside charts/
        os.symlink(ROOT / "charts", pathlib.Path(directory, "charts"))
        for language, text in blocks():
            if language == "yaml":
                pathlib.Path(directory, "hello.yaml").write_text(text, encoding="utf-8")
                continue
            done = subprocess.run(["bash", "-ec", text], cwd=directory, env=environment, capture_output=True, text=True,
                                  timeout=400, check=False)
            print(done.stdout, flush=True)
            assert done.returncode == 0, "%s\nended with %d: %s\n%s" % (
                text, done.returncode, done.stderr, kubectl("get", "pods,events", "-A", check=False).stdout[-6000:])
        found = doors.tags("hello")
        assert found.keys() == {"one", "two"}, "the registry has %s" % found


def main(binary):
    subprocess.run([HERE / "images.sh", "base=library/busybox:1.36", "buildkit-rootless=moby/buildkit:rootless"], check=True)
    push_image()
    clean_up()
    doors.remove(["hello"])
    give_what_is_kept("imagebatch-system")
    try:
        run(binary)
    finally:
        clean_up()
        give_what_is_kept("imagebatch")   # where the demo installs


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except AssertionError as failure:
        sys.exit("error: %s" % failure)
