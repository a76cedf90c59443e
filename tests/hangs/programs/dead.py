"""Deadlocks in Python: dead.py NAME"""
import fcntl
import multiprocessing
import os
import queue
import select
import signal
import socket
import struct
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from common import forever, fork, programs_of, run, stuck

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
    shared = FORK.Queue()
    workers = [FORK.Process(target=shared.get) for _ in range(3)]
    for worker in workers:
        worker.start()
    stuck()
    for worker in workers:
        worker.join()


def join_before_get():
    """Joins a child that cannot end before what it put into the queue is taken out."""
    shared = FORK.Queue()
    child = FORK.Process(target=lambda: shared.put(bytes(1 << 20)))
    child.start()
    stuck()
    child.join()
    shared.get()


def killed_worker():
    """multiprocessing.Pool replaces a worker that was killed, and never answers for its task."""
    with FORK.Pool(2) as pool:
        task = pool.apply_async(_die)
        stuck()
        task.get()


def _die():
    os.kill(os.getpid(), signal.SIGKILL)


def own_queue():
    stuck()
    queue.Queue().get()


def _wait_for_own_pipe(poller):
    reader, _ = os.pipe()
    poller.register(reader)
    stuck()
    poller.poll()


def poll_of_own_pipe():
    _wait_for_own_pipe(select.poll())


def select_of_own_pipe():
    reader, _ = os.pipe()
    stuck()
    select.select([reader], [], [])


def epoll_of_own_pipe():
    _wait_for_own_pipe(select.epoll())


def record_lock_of_dead_child():
    with open("one", "w", encoding="utf-8") as one:
        reader, writer = os.pipe()

        def child():
            fcntl.lockf(one, fcntl.LOCK_EX)
            os.write(writer, b"1")
            forever()

        fork(child)
        os.read(reader, 1)
        stuck()
        fcntl.lockf(one, fcntl.LOCK_EX)


def own_file_lock():
    """A lock of an open file description that the same process holds through another one."""
    set_and_wait = 38  # F_OFD_SETLKW
    lock = struct.pack("hhqqi", fcntl.F_WRLCK, 0, 0, 0, 0)
    with open("one", "w", encoding="utf-8") as one, open("one", "w", encoding="utf-8") as two:
        fcntl.fcntl(one, set_and_wait, lock)
        stuck()
        fcntl.fcntl(two, set_and_wait, lock)


def child_that_is_meant():
    """Of two children the parent waits for the dead one."""
    fork(lambda: socket.create_server(("", 0)).accept())
    stuck()
    os.waitpid(fork(forever), 0)


def below_own_handler():
    """Nobody is left who could send the signal that its parent has a handler for."""
    signal.signal(signal.SIGUSR1, lambda *_: None)
    fork(forever)
    stuck()
    os.wait()


def below_ticking_select():
    """The parent looks for output of its dead child, a little while at a time."""
    reader, writer = os.pipe()
    fork(forever)
    os.close(writer)
    stuck()
    while not select.select([reader], [], [], 0.1)[0]:
        pass


def below_sigwait():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    fork(forever)
    stuck()
    signal.sigwait([signal.SIGCHLD])


def below_select_of_two_pipes():
    """The parent waits for two pipes of its dead child; another thread of it ticks."""
    def tick():
        while True:
            time.sleep(0.1)

    one, two = os.pipe(), os.pipe()
    fork(forever)
    os.close(one[1])
    os.close(two[1])
    threading.Thread(target=tick, daemon=True).start()
    stuck()
    select.select([one[0], two[0]], [], [])


if __name__ == "__main__":
    run(programs_of(globals()))
