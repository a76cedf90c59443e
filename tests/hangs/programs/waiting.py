"""Healthy programs in Python that wait for something that comes in time: waiting.py NAME"""
import fcntl
import multiprocessing
import os
import select
import socket
import subprocess
import threading
import time

from common import WAIT, programs_of, run


def sleep_twice():
    """Together longer than a build may say nothing: the work between says that it is done."""
    time.sleep(WAIT)
    subprocess.run(["sh", "-c", "i=0; while [ $i -lt 50 ]; do /bin/true; i=$((i + 1)); done; echo done"], check=True)
    time.sleep(WAIT)


def select_with_time_limit():
    reader, _ = os.pipe()
    select.select([reader], [], [], WAIT)


def client_that_comes():
    server = socket.create_server(("127.0.0.1", 0))
    if os.fork() == 0:
        time.sleep(WAIT)
        socket.create_connection(server.getsockname()).close()
        os._exit(0)
    server.accept()


def lock_that_is_released():
    with open("lock", "w", encoding="utf-8") as file:
        if os.fork() == 0:
            with open("lock", "w", encoding="utf-8") as other:
                fcntl.flock(other, fcntl.LOCK_EX)
                time.sleep(WAIT)
                os._exit(0)
        time.sleep(0.5)
        fcntl.flock(file, fcntl.LOCK_EX)


def child_that_sleeps():
    subprocess.run(["sleep", str(WAIT)], check=True)


def pipe_that_is_filled():
    """Both wait in a circle, but for one that sleeps."""
    with subprocess.Popen(["sh", "-c", f"sleep {WAIT}; echo done"], stdout=subprocess.PIPE) as child:
        child.stdout.read()


def event_of_a_thread():
    event = threading.Event()

    def later():
        time.sleep(WAIT)
        event.set()

    threading.Thread(target=later).start()
    event.wait()


def workers_without_work():
    """A pool that waits for its one slow task; its other workers have nothing to do."""
    with multiprocessing.get_context("fork").Pool(4) as pool:
        pool.apply(time.sleep, (WAIT,))


def fifo_that_is_opened():
    os.mkfifo("fifo")
    subprocess.Popen(["sh", "-c", f"sleep {WAIT}; echo done >fifo"])
    with open("fifo", encoding="utf-8") as file:
        file.read()


if __name__ == "__main__":
    run(programs_of(globals()))
