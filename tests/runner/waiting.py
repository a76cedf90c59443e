#!/usr/bin/env python3
"""Programs whose threads stand still in known places: waiting.py NAME. Each says "ready" when it is there; any Python from 3.8
on runs them. On SIGUSR1 faulthandler writes the stacks of all threads into the file "dump"."""
import ctypes
import faulthandler
import multiprocessing
import os
import queue
import signal
import sys
import threading
import time

ready = threading.Semaphore(0)


def say_ready(count=0):
    for _ in range(count):
        ready.acquire()
    time.sleep(0.2)  # they wait a moment after they have said so
    open("stuck", "wb").close()
    print("ready", flush=True)


def recurse(depth, wait):
    if depth > 0:
        # A statement over several lines: its line is that of the part that runs
        return [
            recurse(depth - 1,
                    wait)
            for _ in range(1)
        ]
    return wait()


class Wörker:  # a name that is not ASCII
    def __init__(self, wait):
        self.waits = wait

    def run(self, depth):
        ready.release()
        try:
            with threading.Lock():
                list(self.generate(depth))
        finally:
            pass

    def generate(self, depth):
        yield 1
        yield recurse(depth, self.waits)


def many():
    lock = threading.Lock()
    lock.acquire()
    waits = [lock.acquire, threading.Event().wait, queue.Queue().get, lambda: time.sleep(1000),
             lambda: os.read(os.pipe()[0], 1), threading.Condition(threading.Lock()).acquire]
    threads = [threading.Thread(target=Wörker(waits[index % 5]).run, args=(index % 4,), daemon=True) for index in range(20)]
    for thread in threads:
        thread.start()
    say_ready(20)
    lock.acquire()


def thousand():
    forever = threading.Event()

    def wait():
        ready.release()
        forever.wait()
    threading.stack_size(256 * 1024)
    for _ in range(999):
        threading.Thread(target=wait, daemon=True).start()
    say_ready(999)
    forever.wait()


def crosswise():
    """Two locks taken in two orders."""
    first, second = threading.Lock(), threading.Lock()

    def transfer(one, other):
        with one:
            ready.release()
            time.sleep(0.5)
            with other:
                pass
    threads = [threading.Thread(target=transfer, args=pair) for pair in ((first, second), (second, first))]
    for thread in threads:
        thread.start()
    say_ready(2)
    for thread in threads:
        thread.join()


def reentrant():
    """A thread that keeps an RLock for itself."""
    lock = threading.RLock()

    def keeper():
        with lock:
            ready.release()
            time.sleep(1000)
    threading.Thread(target=keeper, daemon=True).start()
    ready.acquire()
    threading.Thread(target=say_ready, daemon=True).start()
    lock.acquire()


def fork_with(lock, then):
    """A fork while another thread holds the lock, and keeps it."""
    def slow_write():
        with lock:
            ready.release()
            time.sleep(1000)
    threading.Thread(target=slow_write, daemon=True).start()
    ready.acquire()
    child = os.fork()
    if child == 0:
        then(lock)
        os._exit(1)
    say_ready()
    os.waitpid(child, 0)


def emit(lock):
    with lock:
        pass


def forked_lock():
    fork_with(threading.Lock(), emit)


def forked_rlock():
    fork_with(threading.RLock(), emit)


def own_lock():
    lock = threading.Lock()
    say_ready()
    with lock:
        with lock:
            pass


def queue_of_nobody():
    """Workers of multiprocessing that wait for work."""
    work = multiprocessing.get_context("fork").Queue()
    workers = [multiprocessing.get_context("fork").Process(target=work.get) for _ in range(3)]
    for worker in workers:
        worker.start()
    say_ready()
    for worker in workers:
        worker.join()


def _kept_mutex(libc):
    """A mutex of the C library that a thread keeps."""
    words = ctypes.create_string_buffer(64)

    def keeper():
        libc.pthread_mutex_lock(words)
        ready.release()
        time.sleep(1000)
    threading.Thread(target=keeper, daemon=True).start()
    ready.acquire()
    return words


def mutex():
    libc = ctypes.CDLL(None)
    words = _kept_mutex(libc)
    threading.Thread(target=say_ready, daemon=True).start()
    libc.pthread_mutex_lock(words)


def forked_mutex():
    libc = ctypes.PyDLL(None)
    words = _kept_mutex(libc)
    child = os.fork()
    if child == 0:
        libc.pthread_mutex_lock(words)
        os._exit(1)
    say_ready()
    os.waitpid(child, 0)


def not_dumpable():
    pr_set_dumpable = 4
    child = os.fork()
    if child == 0:
        ctypes.CDLL(None).prctl(pr_set_dumpable, 0, 0, 0, 0)
        signal.pause()
    say_ready()
    os.waitpid(child, 0)


def secret_line():
    say_ready()
    password = "hunter2" if time.sleep(1000) else None  # noqa
    return password


def crafted():
    """An interpreter that says wrong things of itself (3.11: the list of interpreters)."""
    runtime = ctypes.addressof(ctypes.c_char.in_dll(ctypes.pythonapi, "_PyRuntime"))
    ctypes.c_uint64.from_address(runtime + 40).value = runtime
    say_ready()
    time.sleep(1000)


if __name__ == "__main__":
    faulthandler.register(signal.SIGUSR1, file=open("dump", "wb"), all_threads=True)
    globals()[sys.argv[1]]()
