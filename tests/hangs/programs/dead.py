"""Deadlocks in Python: dead.py NAME"""
import multiprocessing
import os
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from common import programs_of, run, stuck

FORK = multiprocessing.get_context("fork")


def mutual_join():
    threads = []
    both = threading.Barrier(3)

    def join(other):
        both.wait()
        threads[other].join()

    for other in (1, 0):
        threads.append(threading.Thread(target=join, args=(other,)))
    for thread in threads:
        thread.start()
    both.wait()
    stuck()
    threads[0].join()


def pool_waits_for_itself():
    """A task in a pool of one waits for another task of the same pool."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        def outer():
            time.sleep(0.2)
            stuck()
            return pool.submit(int, "1").result()
        pool.submit(outer).result()


def full_pipes():
    """All input is written before any output is read, and both are more than a pipe holds."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        stuck()
        child.stdin.write(bytes(1 << 20))
        child.stdout.read()


def own_pipe():
    """Reads to the end a pipe whose other end it has forgotten to close."""
    reader, _ = os.pipe()
    stuck()
    os.read(reader, 1)


def wait_before_close():
    """Waits for a child that reads until the parent closes its pipe."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writer)
        while os.read(reader, 4096):
            pass
        os._exit(0)
    os.close(reader)
    stuck()
    os.waitpid(child, 0)


def queue_nobody_fills():
    queue = FORK.Queue()
    workers = [FORK.Process(target=queue.get) for _ in range(3)]
    for worker in workers:
        worker.start()
    stuck()
    for worker in workers:
        worker.join()


def join_before_get():
    """Joins a child that cannot end before what it put into the queue is taken out."""
    queue = FORK.Queue()
    child = FORK.Process(target=lambda: queue.put(bytes(1 << 20)))
    child.start()
    stuck()
    child.join()
    queue.get()


def killed_worker():
    """multiprocessing.Pool replaces a worker that was killed, and never answers for its task."""
    with FORK.Pool(2) as pool:
        task = pool.apply_async(_die)
        stuck()
        task.get()


def _die():
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    run(programs_of(globals()))
