"""What is known to be quiet: quiet.py KIND, healthy, and quiet.py KIND forever, which is hung.

Patience is three times the limits.
"""
import os
import pathlib
import subprocess
import sys
import time

from common import WORK, say, stuck

LAYER = "sha256:532f6f7237092ebd79f21ccd3cf050138b31abeed1b29bac39cfdb30786a615b"
LINES = {
    "extracting": f"#4 [1/2] FROM docker.io/library/python:3.9\n#4 {LAYER} 192.35MB / 192.35MB 6.9s done\n"
                  f"#4 extracting {LAYER}",
    "tarball": "#9 exporting to oci image format\n#9 exporting layers 4.1s done\n#9 sending tarball",
    "provenance": "#12 resolving provenance for metadata file",
    "pull": "latest: Pulling from library/python\n5667fdb72017: Pulling fs layer\n5c0b1d519321: Pulling fs layer\n"
            "5667fdb72017: Download complete",
    "push": "The push refers to repository [registry.example/x]\n5667fdb72017: Preparing\n5c0b1d519321: Preparing",
    "skopeo": "Getting image source signatures\nCopying blob sha256:532f6f723709",
    "kaniko": "INFO[0003] Unpacking rootfs as cmd RUN make requires it.",
}
COMMANDS = {
    "docker_load": ["docker", "load", "--input", "image.tar"],
    "docker_pull": ["docker", "--debug", "image", "pull", "debian:12"],
    "podman_push": ["podman", "push", "registry.example/x"],
    "prune": ["docker", "system", "prune", "--all", "--force"],
}


def _rest(forever):
    if forever:
        stuck()
    time.sleep(10 * WORK if forever else WORK)


def main():
    kind, forever = sys.argv[1], sys.argv[2:] == ["forever"]
    if kind in LINES:
        say(LINES[kind])
        _rest(forever)
        return
    command = COMMANDS[kind]
    # A program of that name, which waits for its daemon and says nothing.
    program = pathlib.Path(command[0]).absolute()
    program.write_text(f"#!/bin/sh\nsleep {10 * WORK if forever else WORK}\n:\n", encoding="ascii")
    program.chmod(0o755)
    with subprocess.Popen([str(program), *command[1:]]) as child:
        if forever:
            stuck()
        child.wait()


if __name__ == "__main__":
    os.chdir(os.environ.get("TMPDIR", "."))
    main()
