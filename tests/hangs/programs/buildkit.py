"""buildctl, the client of a buildkitd that runs outside of the build: buildkit.py SECONDS|infinity

The last RUN step computes for so long and says nothing. Those before it are long enough for the health check of the
connection, which comes every 5 s, to be known.
"""
import os
import pathlib
import subprocess
import sys
import time

from common import stuck

SOCKET = pathlib.Path(os.environ["TMPDIR"]) / "buildkitd.sock"
PROGRAM = """
#include <stdlib.h>
#include <time.h>
int main(int count, char **words) {
  const double end = time(0) + atof(words[count - 1]);
  while (time(0) < end) {
    const struct timespec pause = {0, 50000000};
    for (volatile int i = 0; i < 1000000; ++i) {}
    nanosleep(&pause, 0);
  }
  return 0;
}
"""
DOCKERFILE = """FROM scratch
COPY compile /compile
RUN ["/compile", "10"]
RUN ["/compile", "11"]
RUN ["/compile", "{}"]
"""


def main():
    seconds = sys.argv[1]
    context = pathlib.Path("context")
    context.mkdir()
    pathlib.Path("compile.c").write_text(PROGRAM, encoding="ascii")
    subprocess.run(["gcc", "-O1", "-static", "-o", "context/compile", "compile.c"], check=True)
    (context / "Dockerfile").write_text(DOCKERFILE.format(1e9 if seconds == "infinity" else seconds), encoding="ascii")
    while not SOCKET.exists():
        time.sleep(0.1)
    command = ["buildctl", "--addr", f"unix://{SOCKET}", "build", "--frontend", "dockerfile.v0", "--local", "context=context",
               "--local", "dockerfile=context", "--progress", "plain"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as client:
        for line in client.stderr:
            sys.stderr.buffer.write(line)
            sys.stderr.buffer.flush()
            if seconds == "infinity" and b"[4/4] RUN" in line and b"CACHED" not in line:
                stuck()
        sys.exit(client.wait())


if __name__ == "__main__":
    main()
