"""A builder on another machine and its client, which only holds the connection: remote.py server|client"""
import socket
import sys
import time

from common import WORK

ADDRESS = ("192.0.2.2", 8372)


def server():
    listener = socket.create_server(("", ADDRESS[1]))
    while True:
        connection, _ = listener.accept()
        with connection:
            try:
                while True:
                    connection.sendall(bytes(20_000))
                    time.sleep(0.2)
            except OSError:
                continue


def _connect():
    """The server may not listen yet."""
    while True:
        try:
            return socket.create_connection(ADDRESS)
        except ConnectionRefusedError:
            time.sleep(0.1)


def client():
    """Takes what comes, as a build's context and its cache go over the wire, and says nothing."""
    end = time.monotonic() + WORK
    with _connect() as connection:
        while time.monotonic() < end:
            connection.recv(1 << 16)
            connection.sendall(bytes(500))


if __name__ == "__main__":
    {"server": server, "client": client}[sys.argv[1]]()
