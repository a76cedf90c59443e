"""What runs outside of the build, and what waits for it: remote.py NAME"""
import fcntl
import os
import socket
import time

from common import WORK, programs_of, run, stuck

ADDRESS = ("192.0.2.2", 8372)


def builder():
    """Sends the context and the cache of a build over the wire."""
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
    """Of that builder: takes what comes, and says nothing."""
    end = time.monotonic() + WORK
    with _connect() as connection:
        while time.monotonic() < end:
            connection.recv(1 << 16)
            connection.sendall(bytes(500))


def lock_holder():
    with open(os.path.join(os.environ["TMPDIR"], "lock"), "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        time.sleep(3600)


def wait_for_lock():
    """Waits without a time limit for a lock that somebody holds who is not of the build."""
    with open("lock", "w", encoding="utf-8") as file:
        while _lock(file):
            fcntl.flock(file, fcntl.LOCK_UN)
            time.sleep(0.1)
        stuck()
        fcntl.flock(file, fcntl.LOCK_EX)


def _lock(file):
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


if __name__ == "__main__":
    run(programs_of(globals()))
