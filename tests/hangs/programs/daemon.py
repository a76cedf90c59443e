"""Daemons outside of the build, at the other end of a cable or of a socket in $TMPDIR: daemon.py NAME

Their clients are in client.py. Each serves one client and ends with it.
"""
import os
import random
import socket
import time

from common import programs_of, run

ADDRESS = ("192.0.2.2", 8373)
PATH = os.path.join(os.environ.get("TMPDIR", "."), "daemon.sock")
PING = b"\0\0\x08\x06\0" + bytes(12)  # HTTP/2: a frame's head and 8 bytes
CHECK = bytes(196)                    # the health check of a BuildKit session


def _accept_unix():
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(PATH)
    listener.listen()
    return listener.accept()[0]


def _accept_tcp():
    listener = socket.create_server(("", ADDRESS[1]))
    connection = listener.accept()[0]
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _tell(connection, part):
    connection.sendall(b'{"status":"Extracting","progressDetail":{"current":%d,"total":9000000000},'
                       b'"progress":"[%-50s] %.3fMB/9GB","id":"5c0b1d519321"}\n'
                       % (part * 65536, b"=" * (part // 8) + b">", part * 0.065536))


def _beat(connection, message, period):
    """For ever; what is answered is not read."""
    begin, turn = time.monotonic(), 0
    while True:
        turn += 1
        time.sleep(max(0, begin + turn * period - time.monotonic()))
        connection.sendall(message)


def pull():
    """Tells of its progress ten times a second, as dockerd does."""
    connection, part = _accept_unix(), 0
    while True:
        part += 1
        _tell(connection, part)
        time.sleep(0.1)


def few_bytes():
    """Has something to say now and then."""
    connection = _accept_tcp()
    while True:
        time.sleep(random.uniform(0.3, 3))
        connection.sendall(bytes(random.randint(5, 60)))


def ping():
    _beat(_accept_tcp(), PING, 1)


def check():
    _beat(_accept_tcp(), CHECK, 1)


def check_and_news():
    """Something happens beside the health check."""
    connection = _accept_tcp()
    next_check = time.monotonic()
    quiet = 0
    while True:
        next_check += 1
        news = random.uniform(0, 1)
        time.sleep(max(0, next_check - 1 + news - time.monotonic()))
        quiet += 1
        if random.random() < 0.4 or quiet == 3:
            connection.sendall(bytes(random.randint(80, 300)))
            quiet = 0
        time.sleep(max(0, next_check - time.monotonic()))
        connection.sendall(CHECK)


def unix_beat():
    _beat(_accept_unix(), bytes(60), 1)


def flood():
    """Sends whether anybody reads or not."""
    connection, part = _accept_tcp(), 0
    while True:
        part += 1
        connection.sendall(bytes(part % 90 + 10))
        time.sleep(0.2)


def answer():
    """Answers each request with the same words."""
    connection = _accept_tcp()
    while connection.recv(4096):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n{\"state\": \"queued\"}")


def _udp():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("", ADDRESS[1]))
    return server, server.recvfrom(4096)[1]


def datagrams():
    """A download over QUIC: now more, now less."""
    server, client = _udp()
    while True:
        time.sleep(random.uniform(0.02, 0.4))
        server.sendto(bytes(random.randint(40, 1200)), client)


def udp_beat():
    server, client = _udp()
    while True:
        time.sleep(1)
        server.sendto(bytes(40), client)


# Other containers of the Pod: in the build's network, and not of the build.

def side_udp():
    """Metrics, to nobody."""
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    while True:
        try:
            sender.sendto(bytes(random.randint(300, 1200)), ("192.0.2.77", 8125))
        except OSError:
            pass
        time.sleep(random.uniform(0.05, 0.3))


def side_tcp():
    """A proxy and what it asks, over loopback."""
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(listener.getsockname())
    server, _ = listener.accept()
    while True:
        client.sendall(bytes(random.randint(300, 3000)))
        server.recv(1 << 16)
        server.sendall(bytes(random.randint(300, 3000)))
        client.recv(1 << 16)
        time.sleep(random.uniform(0.05, 0.3))


def side_short():
    """A new connection for each request, as probes make them."""
    listener = socket.create_server(("127.0.0.1", 0))
    while True:
        with socket.create_connection(listener.getsockname()) as client:
            server, _ = listener.accept()
            with server:
                client.sendall(bytes(400))
                server.recv(4096)
                server.sendall(bytes(2000))
        time.sleep(random.uniform(0.05, 0.3))


if __name__ == "__main__":
    run(programs_of(globals()))
