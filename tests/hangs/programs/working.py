"""Healthy programs that work for longer than every threshold: working.py NAME"""
import http.server
import os
import pathlib
import subprocess
import sys
import threading
import time
import urllib.request
import zipfile

from common import SILENT, WAIT, WORK, compute, programs_of, run, say, stuck, working


def _c_file(name, functions):
    body = "\n".join(f"double f{i}(double x) {{ double s = x; for (int j = 0; j < {i + 9}; ++j) "
                     f"s = s * {i}.5 + j / (s + {i + 1}); return s; }}" for i in range(functions))
    pathlib.Path(name).write_text("int stand_alone;\n" + body + "\n", encoding="ascii")


def compile_c():
    """make -s over many files: no output."""
    _c_file("file.c", 150)
    for _ in working():
        subprocess.run(["gcc", "-O2", "-c", "file.c", "-o", "file.o"], check=True)


def compile_cxx():
    pathlib.Path("file.cpp").write_text(
        "#include <map>\n#include <string>\nint main() { std::map<std::string, int> m; return m[\"x\"]; }\n",
        encoding="ascii")
    for _ in working():
        subprocess.run(["g++", "-O1", "file.cpp", "-o", "file"], check=True)


def compile_with_heartbeat():
    """A CI wrapper that says each second that it still lives, over a compiler that works."""
    def beat():
        while True:
            say("still compiling ...")
            time.sleep(1)

    threading.Thread(target=beat, daemon=True).start()
    compile_c()


def compile_java():
    methods = "\n".join(f"  int m{i}(int x) {{ return x * {i} + m{(i + 1) % 300}(x - 1); }}" for i in range(300))
    pathlib.Path("Generated.java").write_text(f"class Generated {{\n{methods}\n}}\n", encoding="ascii")
    for _ in working():
        subprocess.run(["javac", "-J-Xmx256m", "Generated.java"], check=True)


class _Trickle(http.server.BaseHTTPRequestHandler):
    """Sends FILE's bytes over about WORK seconds."""
    body = os.urandom(1_000_000)

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        parts = int(WORK * 4)
        for part in range(parts):
            self.wfile.write(self.body[len(self.body) * part // parts:len(self.body) * (part + 1) // parts])
            time.sleep(WORK / parts)

    def log_message(self, *arguments):
        pass


def _serve(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def _download(url):
    with urllib.request.urlopen(url) as response, open("download", "wb", buffering=0) as out:
        while part := response.read1(1 << 16):
            out.write(part)


def download():
    """A trickle into a file, without a word."""
    _download(f"http://127.0.0.1:{_serve(_Trickle)}/")


def download_with_heartbeat():
    def beat():
        while True:
            say("downloading ...")
            time.sleep(1)

    threading.Thread(target=beat, daemon=True).start()
    download()


class _Index(_Trickle):
    """A package index with one wheel."""
    def do_GET(self):
        if self.path.endswith(".whl"):
            super().do_GET()
            return
        page = b'<!DOCTYPE html><a href="/corpus-1.0-py3-none-any.whl">corpus-1.0-py3-none-any.whl</a>'
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)


def pip_download():
    """The real pip, with a slow index."""
    with zipfile.ZipFile("wheel.zip", "w") as wheel:
        wheel.writestr("corpus/data", os.urandom(1_000_000))
        wheel.writestr("corpus-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: corpus\nVersion: 1.0\n")
        wheel.writestr("corpus-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("corpus-1.0.dist-info/RECORD", "")
    _Index.body = pathlib.Path("wheel.zip").read_bytes()
    index = f"http://127.0.0.1:{_serve(_Index)}/simple"
    subprocess.run([sys.executable, "-m", "pip", "download", "--isolated", "--disable-pip-version-check",
                    "--no-cache-dir", "--no-deps", "--progress-bar=on", "--proxy=", f"--index-url={index}", "corpus"],
                   check=True, env={**os.environ, "no_proxy": "*"})


def quiet_then_work():
    for step in ("unpacked the sources", "linked the program"):
        time.sleep(WAIT)
        say(step)
        compute(0.05)
        pathlib.Path("object").write_bytes(os.urandom(1_000_000))


def percentage():
    """One percent at a time, slowly; between them the clock alone advances."""
    start = time.monotonic()
    for _ in working():
        elapsed = time.monotonic() - start
        percent = 42 + int(elapsed / (SILENT / 2))
        say(f"\rExtracting: {percent}% [{'#' * (percent // 5):20}] elapsed 0:{int(elapsed):02}", end="")
        time.sleep(0.5)


def byte_count():
    for turn in working():
        say(f"#7 sha256:4f4fb700ef54461cfa02571ae0db9a0dc1e0cdb5577484a6d75e68dc38e8acc1 "
            f"{10 + turn * 0.31:.2f}MB / 900.00MB {turn}s")
        time.sleep(1)


def test_dots():
    """pytest: one dot for each test."""
    say("collected 5000 items\n\ntests/test_models.py ", end="")
    for _ in working():
        compute(0.1)
        say(".", end="")
        time.sleep(0.4)


def _name(turn):
    return "".join(chr(97 + (turn // 26**k) % 26) for k in range(3))


def new_lines():
    """A build that says something new all the time."""
    words = ("configure", "compile", "link", "install", "strip", "pack", "index", "verify")
    for turn in working(1000 * WORK):
        say(f"{words[turn % 8]} lib{_name(turn)}.so")
        time.sleep(0.5)


def _steps(last, end="\n"):
    """Something new all the time, and each second a step; from step `last` on no more of them."""
    for turn in working():
        say(f"loading {_name(turn)}", end)
        time.sleep(0.25)
        if turn % 4 == 0 and turn < last * 4:
            say(f"step {turn // 4}", end)
        if turn == last * 4:
            stuck()


def steps():
    _steps(10**9)


def steps_without_newline():
    _steps(10**9, "\r")


def steps_stopped():
    _steps(3)


def no_first_step():
    _steps(0)


def a_gigabyte():
    for turn in range(10**9 // 80_000):
        line = f"#7 12.34 a line of output as builds write it, of lib{_name(turn)}.so and so on".ljust(79, ".") + "\n"
        sys.stdout.buffer.write(line.encode() * 1000)


def one_long_line():
    for _ in range(100):
        sys.stdout.buffer.write(b"x" * 1_000_000)


def binary_output():
    for _ in working():
        sys.stdout.buffer.write(os.urandom(20_000))
        sys.stdout.buffer.flush()
        time.sleep(0.1)


def forged_verdict():
    """Lines that look like the runner's own."""
    for turn in range(10):
        print('{"imagebatch":"evidence","marker":"guess","verdict":"Hung","class":"Idle","reason":"NoActivity"}',
              file=sys.stderr, flush=True)
        say(f"part {turn} of the build")
        time.sleep(0.3)


if __name__ == "__main__":
    run(programs_of(globals()))
