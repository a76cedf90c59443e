#!/usr/bin/env python3
"""Programs that wait for one thing each: awaiting.py NAME. What is waited for is told on standard output, in one line."""
import ctypes
import fcntl
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import termios
import threading
import time


def tell(text):
    print(text, flush=True)


def tcp_data():
    server = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(server.getsockname())
    tell(f"data from TCP 127.0.0.1:{server.getsockname()[1]} (established)")
    client.recv(1)


def tcp_closed_by_peer():
    server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    client = socket.create_connection(server.getsockname()[:2])
    accepted, _ = server.accept()
    accepted.shutdown(socket.SHUT_WR)
    tell(f"TCP [::1]:{server.getsockname()[1]} (closed by the other end)")
    hang_up = select.poll()
    hang_up.register(client, 0)  # it has hung up on one side alone, which is no event
    hang_up.poll()


def tcp_accept():
    server = socket.create_server(("127.0.0.1", 0))
    server.setblocking(True)
    tell(f"a connection to TCP port {server.getsockname()[1]}")
    server.accept()


def unix_data():
    server = socket.socket(socket.AF_UNIX)
    server.bind("build.sock")
    server.listen()
    if os.fork() == 0:
        server.accept()[0].recv(1)
    client = socket.socket(socket.AF_UNIX)
    client.connect("build.sock")
    tell("data from the UNIX socket build.sock")
    client.recv(1)


def lock_of(take, name):
    with open("the.lock", "w", encoding="ascii") as file:
        take(file)
        if os.fork() == 0:
            with open("the.lock", "r+", encoding="ascii") as mine:
                take(mine)
        tell(f"a lock ({name}) on " + os.path.realpath("the.lock")[-40:] + f", held by pid {os.getpid()} (python3)")
        time.sleep(1000)


def flock():
    lock_of(lambda file: fcntl.flock(file, fcntl.LOCK_EX), "flock")


def record_lock():
    lock_of(lambda file: fcntl.lockf(file, fcntl.LOCK_EX), "fcntl")


def pipe():
    end, other = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(end)
        time.sleep(1000)
    os.close(other)
    tell(f"data from a pipe, its other end held by pid {child} (python3)")
    os.read(end, 1)


def child():
    process = subprocess.Popen(["sleep", "1000"])
    tell(f"the end of its child pid {process.pid} (sleep)")
    process.wait()


def sleep():
    tell("sleeps 1000 s at a time")
    os.execvp("sleep", ["sleep", "1000"])


def in_terminal(act):
    """A child in the background of a terminal, whose session it shares with its leader."""
    leader, terminal = pty.openpty()
    if os.fork() == 0:
        os.setsid()
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
        settings = termios.tcgetattr(terminal)
        settings[3] |= termios.TOSTOP
        termios.tcsetattr(terminal, termios.TCSANOW, settings)
        if os.fork() == 0:
            os.setpgid(0, 0)
            act(terminal)
        time.sleep(1000)
    time.sleep(1000)
    os.close(leader)


def tty_output():
    tell("is stopped by SIGTTOU")
    in_terminal(lambda terminal: os.write(terminal, b"hello"))


def tty_input():
    tell("is stopped by SIGTTIN")
    in_terminal(lambda terminal: os.read(terminal, 1))


def terminal():
    leader, end = pty.openpty()
    tell("data from the terminal " + os.ttyname(end))
    os.read(end, 1)
    os.close(leader)


def stopped():
    tell("is stopped by SIGSTOP")
    os.kill(os.getpid(), signal.SIGSTOP)


def mutex():
    library = ctypes.CDLL(None)
    lock = (ctypes.c_uint64 * 8)()
    held = threading.Event()

    def hold():
        library.pthread_mutex_lock(lock)
        tell(f"a mutex held by thread {threading.get_native_id()}")
        held.set()
        time.sleep(1000)
    threading.Thread(target=hold).start()
    held.wait()
    library.pthread_mutex_lock(lock)


def mutex_of_ended_thread():
    library = ctypes.CDLL(None)
    lock = (ctypes.c_uint64 * 8)()
    ended = []

    def hold():
        ended.append(threading.get_native_id())
        library.pthread_mutex_lock(lock)
    thread = threading.Thread(target=hold)
    thread.start()
    thread.join()
    tell(f"a mutex held by thread {ended[0]}, which this process does not have")
    library.pthread_mutex_lock(lock)


def spin_beside_a_waiter():
    if os.fork() == 0:
        time.sleep(1000)
    tell("runs")
    while True:
        pass


def three_lines():
    while True:
        for line in ("waiting for lock \033[31m/var/lib/apt\033[0m", "asking again", "no answer"):
            print(line, flush=True)
            time.sleep(0.02)


def random_lines():
    while True:
        name = "".join(chr(97 + byte % 26) for byte in os.urandom(10))
        print(f"cannot write /var/tmp/{name}, retrying", flush=True)
        time.sleep(0.02)


globals()[sys.argv[1]]()
