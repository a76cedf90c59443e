"""Clients whose work is elsewhere, at the other end of a connection: client.py NAME

Their daemons are in daemon.py. A hung client has its connection for a while before it is stuck, so that what comes over
it is known.
"""
import asyncio
import os
import socket
import threading
import time

from common import SILENT, WAIT, WORK, programs_of, run, say, stuck

ADDRESS = ("192.0.2.2", 8373)
PATH = os.path.join(os.environ.get("TMPDIR", "."), "daemon.sock")
KNOWN = 6  # seconds


def _until_there(connect):
    while True:
        try:
            return connect()
        except OSError:
            time.sleep(0.05)


def _unix():
    def connect():
        client = socket.socket(socket.AF_UNIX)
        client.connect(PATH)
        return client
    return _until_there(connect)


def _tcp():
    client = _until_there(lambda: socket.create_connection(ADDRESS))
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def _udp():
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.connect(ADDRESS)

    def ask():
        client.settimeout(0.2)
        client.send(b"hello")
        client.recv(4096)
        client.settimeout(None)
    _until_there(ask)
    return client


def _take(receive, answer=None, end=None):
    """Takes what comes until the time is up; for ever without an end."""
    while end is None or time.monotonic() < end:
        receive()
        if answer:
            answer()


def _stuck_then(receive, answer=None):
    _take(receive, answer, time.monotonic() + KNOWN)
    stuck()
    _take(receive, answer)


def pull_by_read():
    client = _unix()
    _take(lambda: os.read(client.fileno(), 32768), end=time.monotonic() + WORK)


def pull_by_recv():
    client = _unix()
    _take(lambda: client.recv(32768), end=time.monotonic() + WORK)


def pull_with_timeout():
    """As the Python SDK of docker: a time limit for each read."""
    client = _unix()
    client.settimeout(60)
    _take(lambda: client.recv(32768), end=time.monotonic() + WORK)


def pull_by_asyncio():
    async def main():
        reader, _ = await asyncio.open_unix_connection(PATH)
        end = time.monotonic() + WORK
        while time.monotonic() < end:
            await reader.readline()

    _unix_is_there()
    asyncio.run(main())


def _unix_is_there():
    while not os.path.exists(PATH):
        time.sleep(0.05)
    time.sleep(0.2)


def pull_with_heartbeat():
    """Says each second that it still pulls."""
    def beat():
        while True:
            say("still pulling ...")
            time.sleep(1)

    threading.Thread(target=beat, daemon=True).start()
    pull_by_read()


def receive():
    client = _tcp()
    _take(lambda: client.recv(4096), end=time.monotonic() + WORK)


def receive_and_answer():
    client = _tcp()
    _take(lambda: client.recv(4096), lambda: client.sendall(bytes(30)), time.monotonic() + WORK)


def receive_datagrams():
    client = _udp()
    _take(lambda: client.recv(4096), end=time.monotonic() + WORK)


def hung_at_ping():
    client = _tcp()
    _stuck_then(lambda: client.recv(4096), lambda: client.sendall(bytes(17)))


def hung_at_check():
    client = _tcp()
    _stuck_then(lambda: client.recv(4096), lambda: client.sendall(bytes(215)))


def hung_at_one_way_beat():
    client = _tcp()
    _stuck_then(lambda: client.recv(4096))


def hung_at_unix_beat():
    client = _unix()
    _stuck_then(lambda: client.recv(4096))


def hung_at_unix_read():
    client = _unix()
    _stuck_then(lambda: os.read(client.fileno(), 4096))


def hung_at_datagrams():
    client = _udp()
    _stuck_then(lambda: client.recv(4096))


def hung_without_reading():
    """The daemon goes on; the client waits for something else."""
    client = _tcp()
    _take(lambda: client.recv(4096), end=time.monotonic() + 2)
    stuck()
    socket.create_server(("127.0.0.1", 0)).accept()


def hung_poll():
    """Asks once a second, over one connection, and always hears the same."""
    client = _tcp()

    def ask():
        client.sendall(b"GET /builds/42 HTTP/1.1\r\nHost: builder\r\n\r\n")
        client.recv(4096)
        time.sleep(1)
    _stuck_then(ask)


def hung_alone():
    """Has nothing to do with the network."""
    stuck()
    socket.create_server(("127.0.0.1", 0)).accept()


def _step(name):
    say("#1 [internal] load build definition from Dockerfile\n#1 DONE 0.0s\n\n"
        f"#5 [2/3] {name}")


def _remote(step, seconds):
    """As buildctl shows a step that says nothing: all there is to see is the health check."""
    client = _tcp()
    _take(lambda: client.recv(4096), lambda: client.sendall(bytes(215)), time.monotonic() + KNOWN)
    _step(step)
    if seconds is None:
        stuck()
    end = None if seconds is None else time.monotonic() + seconds
    _take(lambda: client.recv(4096), lambda: client.sendall(bytes(215)), end)
    say(f"#5 DONE {seconds}s")


def remote_step():
    """Longer than Idle, shorter than Busy."""
    _remote("RUN make -s", (WAIT + SILENT) / 2)


def hung_remote_step():
    _remote("RUN sleep infinity", None)


def hung_remote_copy():
    """Not a step that runs anything."""
    _remote("COPY . /src", None)


if __name__ == "__main__":
    run(programs_of(globals()))
