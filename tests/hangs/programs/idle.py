"""Programs in Python in which nothing happens any more, and nothing proves that nothing can: idle.py NAME"""
import asyncio
import os
import queue
import socket
import subprocess
import threading
import time

from common import programs_of, run, stuck


def heartbeat_thread():
    """The main thread is dead; a thread beats on, as those of tracing and of metrics do."""
    def beat():
        while True:
            time.sleep(0.1)

    threading.Thread(target=beat, daemon=True).start()
    lock = threading.Lock()
    lock.acquire()
    stuck()
    lock.acquire()


def timed_join():
    """Asks for ever whether a dead worker has put its answer into the queue."""
    answers = queue.Queue()
    stuck()
    while True:
        try:
            return answers.get(timeout=0.5)
        except queue.Empty:
            continue


def asyncio_future():
    async def main():
        async def tick():
            while True:
                await asyncio.sleep(0.2)

        ticking = asyncio.create_task(tick())
        stuck()
        await asyncio.get_running_loop().create_future()
        ticking.cancel()

    asyncio.run(main())


def silent_server():
    """The connection is taken, and no answer comes."""
    server = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(server.getsockname())
    client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    stuck()
    client.recv(1)


def silent_daemon():
    """A client without a time limit of a daemon on a UNIX socket that does not answer: docker buildx prune."""
    server = socket.socket(socket.AF_UNIX)
    server.bind("daemon.sock")
    server.listen()
    if os.fork() == 0:
        connection, _ = server.accept()
        while connection.recv(4096):
            pass
        os._exit(0)
    client = socket.socket(socket.AF_UNIX)
    client.connect("daemon.sock")
    client.sendall(b"prune")
    stuck()
    client.recv(1)


def nobody_connects():
    server = socket.create_server(("127.0.0.1", 0))
    stuck()
    server.accept()


def deaf_child():
    """The child waits for a signal that nobody will send."""
    with subprocess.Popen(["sleep", "infinity"]) as child:
        stuck()
        child.wait()


if __name__ == "__main__":
    run(programs_of(globals()))
