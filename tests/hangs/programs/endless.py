"""Programs that wait for what may come from outside, or with time: endless.py NAME

They say "ready" before they wait, and do not end by themselves: tests/runner watches that none of them is proved dead.
What the corpus has as a healthy program that ends (waiting.py, waiting.c, needed.py) is not here again.
"""
import ctypes
import os
import select
import signal
import socket
import threading
import time

from common import forever, fork, programs_of, run, say

LONG = 1000
LIBC = ctypes.CDLL(None)


def sleep():
    say("ready")
    time.sleep(LONG)


def lock_with_a_time_limit():
    say("ready")
    threading.Event().wait(LONG)


def one_thread_sleeps():
    threading.Thread(target=time.sleep, args=(LONG,)).start()
    say("ready")
    forever()


def read_of_a_socket():
    one, _other = socket.socketpair()
    say("ready")
    one.recv(1)


def read_of_a_fifo():
    os.mkfifo("fifo")
    fifo = os.open("fifo", os.O_RDWR)
    say("ready")
    os.read(fifo, 1)


def read_of_a_terminal():
    _master, slave = os.openpty()
    say("ready")
    os.read(slave, 1)


def read_of_an_eventfd():
    event = os.eventfd(0)
    say("ready")
    os.read(event, 8)


def read_of_a_signalfd():
    mask = ctypes.create_string_buffer(b"\x10" + bytes(127))
    signals = LIBC.signalfd(-1, mask, 0)
    say("ready")
    os.read(signals, 128)


def read_of_an_inherited_pipe(descriptor):
    say("ready")
    os.read(int(descriptor), 1)


def epoll_of_a_socket():
    one, _other = socket.socketpair()
    reader, _writer = os.pipe()
    epoll = select.epoll()
    epoll.register(one, select.EPOLLIN)
    epoll.register(reader)
    say("ready")
    epoll.poll()


def poll_of_a_pipe_and_a_socket():
    one, _other = socket.socketpair()
    reader, _writer = os.pipe()
    poll = select.poll()
    poll.register(reader)
    poll.register(one, select.POLLIN)
    say("ready")
    poll.poll()


def poll_of_nothing():
    say("ready")
    select.poll().poll()


def pause():
    say("ready")
    signal.pause()


def alarm():
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.alarm(LONG)
    say("ready")
    forever()


def handler_that_a_sleeper_may_call():
    def child():
        signal.signal(signal.SIGUSR1, lambda *_: None)
        say("ready")
        forever()

    fork(child)
    time.sleep(LONG)


def helper_that_will_be_told_to_end():
    def child():
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
        say("ready")
        forever()

    fork(child)
    time.sleep(LONG)


def told_when_its_child_ends():
    signal.signal(signal.SIGCHLD, lambda *_: None)
    fork(lambda: time.sleep(LONG))
    say("ready")
    forever()


def parent_of_a_stopped_child():
    fork(lambda: os.kill(os.getpid(), signal.SIGSTOP))
    say("ready")
    os.wait()


def busy_beside_a_dead_child():
    fork(forever)
    say("ready")
    while True:
        pass


def dead_beside_a_child_whose_pipe_is_polled_too():
    one, two = os.pipe(), os.pipe()

    def dead():
        os.close(two[1])
        forever()

    def alive():
        os.close(one[1])
        socket.create_server(("", 0)).accept()

    fork(dead)
    fork(alive)
    os.close(one[1])
    os.close(two[1])
    say("ready")
    select.select([one[0], two[0]], [], [])


def dead_below_a_timerfd():
    reader, writer = os.pipe()
    fork(forever)
    os.close(writer)
    timer = LIBC.timerfd_create(1, 0)
    LIBC.timerfd_settime(timer, 0, (ctypes.c_long * 4)(0, 0, LONG, 0), None)
    say("ready")
    select.select([reader, timer], [], [])


def dead_child_that_is_killed():
    """Goes on once somebody kills its dead child, whose pid is in the file "pid"."""
    child = fork(forever)
    with open("pid", "w", encoding="utf-8") as file:
        file.write(str(child))
    os.wait()
    say("ready")
    time.sleep(LONG)


def leftovers_of_a_step():
    def step():
        fork(forever)
        fork(forever)

    fork(step)
    os.wait()
    say("ready")
    time.sleep(LONG)


def dead_once_it_rests():
    """Has a dead child, and works for a while before it waits for it; then there is the file "rests"."""
    fork(forever)
    end = time.monotonic() + 4
    while time.monotonic() < end:
        pass
    with open("rests", "wb"):
        pass
    os.wait()


if __name__ == "__main__":
    run(programs_of(globals()))
