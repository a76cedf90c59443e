"""The labelled corpus: real programs, each with what the runner must say of it.

A command begins with a file of programs/ or with a program of the machine. What a hung program does last before it
hangs is to make the file $STUCK. The others end by themselves, without an error. $WAIT and $WORK are their measures of
time: longer than --deadlock-after but shorter than --idle-after; longer than every threshold.
"""
import dataclasses
import shlex


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    label: str            # "healthy", or the class of the hang
    command: tuple        # its first word is a file of programs/, or a program in the PATH
    imitates: str
    cores: int = 0        # 1: keeps a core busy; such ones are run a few at a time
    needs: tuple = ()     # programs it calls
    expect: str = ""      # a pattern that its lines are to match, for --expect
    server: str = ""      # a program that runs outside of the build, at the other end of a network cable


def _of(label):
    def make(name, command, imitates, **more):
        return Scenario(name, label, tuple(shlex.split(command)), imitates, **more)
    return make


deadlock, idle, busy, looping, overdue, deadline, healthy = map(
    _of, ("Deadlock", "Idle", "Busy", "Looping", "Overdue", "Deadline", "healthy"))

SCENARIOS = [
    deadlock("fork_pool", "fork_pool.py -- echo built",
             "the original bug: a process pool forked while another thread holds the logging lock"),
    deadlock("py_mutual_join", "dead.py mutual_join", "two threads join each other"),
    deadlock("py_pool_waits_for_itself", "dead.py pool_waits_for_itself",
             "a task waits for a task of its own full pool"),
    deadlock("py_full_pipes", "dead.py full_pipes", "both pipes to a child are full: Popen without communicate()"),
    deadlock("py_own_pipe", "dead.py own_pipe", "a reader that holds the writing end itself"),
    deadlock("py_wait_before_close", "dead.py wait_before_close", "parent waits for child, child for parent's pipe"),
    deadlock("py_queue", "dead.py queue_nobody_fills", "workers wait at a queue that nobody fills"),
    deadlock("py_join_before_get", "dead.py join_before_get", "join() of a process whose queue is still full"),
    deadlock("py_killed_worker", "dead.py killed_worker",
             "the out-of-memory killer took a worker of multiprocessing.Pool, which never answers for its task"),
    deadlock("py_own_queue", "dead.py own_queue", "a queue of its own that nobody fills"),
    deadlock("py_poll_of_own_pipe", "dead.py poll_of_own_pipe", "own_pipe with poll"),
    deadlock("py_select_of_own_pipe", "dead.py select_of_own_pipe", "own_pipe with select"),
    deadlock("py_epoll_of_own_pipe", "dead.py epoll_of_own_pipe", "own_pipe with epoll"),
    deadlock("py_record_lock", "dead.py record_lock_of_dead_child", "a file lock that a dead child holds"),
    deadlock("py_own_file_lock", "dead.py own_file_lock", "a file lock that the process itself holds"),
    deadlock("py_child_that_is_meant", "dead.py child_that_is_meant", "a dead child, and another that serves"),
    deadlock("py_below_own_handler", "dead.py below_own_handler", "a dead child below a handler that nobody can call"),
    deadlock("py_below_ticking_select", "dead.py below_ticking_select", "communicate() that looks every 0.1 s"),
    deadlock("py_below_sigwait", "dead.py below_sigwait", "a dead command below an init process that waits"),
    deadlock("py_below_two_pipes", "dead.py below_select_of_two_pipes", "output and errors of a dead child"),
    deadlock("c_join_ring", "dead.c join_ring", "three threads join each other in a ring"),
    deadlock("c_lock_order", "dead.c lock_order", "two mutexes, locked in two orders"),
    deadlock("c_lost_wakeup", "dead.c lost_wakeup", "a condition that was signalled before anybody waited"),
    deadlock("c_shared_semaphores", "dead.c shared_semaphores", "two processes wait for each other's semaphore"),
    deadlock("c_flocks", "dead.c flocks", "two processes lock two files crosswise with flock"),
    deadlock("c_ofd_locks", "dead.c ofd_locks", "the same with open file description locks"),
    deadlock("c_mixed_locks", "dead.c mixed_locks", "the same, one file with fcntl, the other with flock"),
    deadlock("c_daemon_worker", "dead.c daemon_worker", "a worker that made itself a daemon is dead"),
    deadlock("sh_coproc", "bash coproc.sh", "a shell waits for a coprocess that waits for the shell", needs=("bash",)),
    deadlock("go_daemon_dead_step", "runtime.go daemon dead.py mutual_join",
             "a dead RUN step below a builder's daemon that is alive and idle"),
    deadlock("go_dead_step", "runtime.go step dead.py mutual_join", "a dead step below a Go program without timers"),
    deadlock("node_dead_step", "above.js dead.py mutual_join", "npm run, and the script is dead"),
    deadlock("sh_dead_test_beside_server", "sh needed.sh server", "a dead test, with a server in the background"),
    deadlock("sh_dead_test_below_trap", "bash needed.sh trap", "a dead test below a shell that has a trap",
             needs=("bash",)),
    deadlock("py_ticking_parent", "needed.py ticking_parent", "a dead child below a process with a heartbeat thread"),
    deadlock("py_ticking_init", "needed.py ticking_init", "a dead command below an init process such as tini"),

    idle("py_heartbeat_thread", "idle.py heartbeat_thread", "a heartbeat thread over a dead main thread"),
    idle("py_timed_join", "idle.py timed_join", "get(timeout) in a loop, and nobody left who would put"),
    idle("py_asyncio", "idle.py asyncio_future", "a future that nobody resolves, in a loop that ticks"),
    idle("py_silent_server", "idle.py silent_server",
         "a request without a time limit to a server that does not answer"),
    idle("py_silent_daemon", "idle.py silent_daemon", "docker buildx prune without a time limit"),
    idle("py_nobody_connects", "idle.py nobody_connects", "accept() and nobody comes"),
    idle("py_deaf_child", "idle.py deaf_child", "a child that sleeps for ever"),
    idle("c_zombies", "idle.c zombies", "zombies below a parent that does not look"),
    idle("c_stopped_grandchild", "idle.c stopped_grandchild", "a grandchild was stopped"),
    idle("c_unopened_fifo", "idle.c unopened_fifo", "opens a FIFO that nobody else opens"),
    idle("c_unchanged_file", "idle.c unchanged_file", "inotify, and nothing changes"),
    idle("c_page_dirtied_again", "idle.c page_dirtied_again", "a figure that ticks in a mapped file, on a busy disk"),
    idle("c_lock_tried_again", "idle.c lock_tried_again", "apt's wait for a lock, without its line"),
    idle("py_lock_of_another", "remote.py wait_for_lock", "a lock that is held outside of the build",
         server="remote.py lock_holder"),
    idle("sh_sleep_and_test", "sh sleep_and_test.sh", "a shell that sleeps and tests"),
    idle("go_blocked", "runtime.go blocked", "all goroutines are blocked, the runtime ticks"),
    idle("py_leftovers_then_deaf", "needed.py leftover_then_deaf", "dead leftovers, and then the build hangs itself"),
    idle("java_monitors", "Monitors.java", "two monitors in two orders; the JVM's own threads have timed waits"),
    idle("node_pending", "pending.js", "a promise that nobody keeps, and an interval that does nothing"),
    idle("buildkit_silent_step", "replay.py silent.plain 1 'sleep infinity'",
         "a RUN step that says nothing, as BuildKit shows it"),

    busy("c_spin", "busy.c spin", "a loop without an end", cores=1),
    busy("c_livelock", "busy.c livelock", "two threads that give way to each other for ever", cores=1),
    busy("c_spin_lock", "busy.c spin_lock", "a spin lock that nobody gives back", cores=1),
    busy("py_spin", "busy.py spin", "a loop without an end", cores=1),
    busy("py_regular_expression", "busy.py regular_expression", "catastrophic backtracking", cores=1),
    busy("py_poll_without_wait", "busy.py poll_without_wait", "asks all the time, and never waits", cores=1),
    busy("sh_spin", "sh spin.sh", "a shell's loop of builtins", cores=1),
    busy("go_spin", "runtime.go spin", "a goroutine that spins", cores=1),
    busy("node_spin", "spin.js", "microtasks that starve everything else", cores=1),

    looping("spinner", "looping.py spinner", "conda's spinner"),
    looping("braille_spinner", "looping.py braille_spinner", "npm's spinner"),
    looping("heartbeat", "looping.py heartbeat", "the same line again and again"),
    looping("dated_heartbeat", "looping.py dated_heartbeat", "the same line with its time"),
    looping("retry_counter", "looping.py retry_counter", "pip's retries, with a growing number"),
    looping("one_error", "looping.py one_error", "the same error at full speed", cores=1),
    looping("two_errors", "looping.py two_errors", "two errors in turn, as apt below BuildKit has them"),
    looping("frozen_percentage", "looping.py frozen_percentage", "a percentage that stands while the clock goes on"),
    looping("again_and_again", "looping.py again_and_again", "a download that starts again whenever it is done"),
    looping("lock_countdown", "looping.py lock_countdown", "apt waits for a lock and counts the seconds"),
    looping("buildkit_heartbeat_step", "replay.py heartbeat.plain 1 license",
            "a RUN step that says for ever that it waits"),
    looping("buildkit_heartbeat_rawjson", "replay.py heartbeat.rawjson 1 d2FpdGluZyBmb3IgdGhlIGxpY2Vuc2Ug",
            "the same as rawjson, which has output in Base64"),

    overdue("steps_stopped", "working.py steps_stopped",
            "a training run that takes no steps any more, and goes on about other things", expect="^step [0-9]+"),
    overdue("no_first_step", "working.py no_first_step", "the same, which never took one", expect="^step [0-9]+"),

    deadline("runs_too_long", "working.py new_lines", "a build that goes on and on"),

    healthy("compile_c", "working.py compile_c", "a silent make", cores=1, needs=("gcc",)),
    healthy("compile_cxx", "working.py compile_cxx", "a silent make of C++", cores=1, needs=("g++",)),
    healthy("compile_java", "working.py compile_java", "javac", cores=1, needs=("javac",)),
    healthy("compile_with_heartbeat", "working.py compile_with_heartbeat",
            "a compiler below a wrapper that says each second that it lives", cores=1, needs=("gcc",)),
    healthy("compress", "sh working.sh compress", "a silent xz", cores=1, needs=("xz",)),
    healthy("short_lived_children", "sh working.sh children", "configure: thousands of children", cores=1),
    healthy("disk_only", "sh working.sh disk", "nothing but writes"),
    healthy("main_process_gone", "sh working.sh orphan", "a child holds the output open: it is ended after --grace"),
    healthy("download", "working.py download", "a trickling download, silent"),
    healthy("download_with_heartbeat", "working.py download_with_heartbeat", "the same with a heartbeat"),
    healthy("pip_download", "working.py pip_download", "the real pip, with a slow index", needs=("pip",)),
    healthy("remote_builder", "remote.py client", "a client whose builder is elsewhere", server="remote.py builder"),
    healthy("steps", "working.py steps", "steps, and much else between them", expect="^step [0-9]+"),
    healthy("steps_without_newline", "working.py steps_without_newline", "steps drawn over one another",
            expect="^step [0-9]+"),
    healthy("quiet_then_work", "working.py quiet_then_work", "a quiet step followed by work, twice"),
    healthy("percentage", "working.py percentage", "a percentage that advances slowly"),
    healthy("byte_count", "working.py byte_count", "a byte count that advances"),
    healthy("test_dots", "working.py test_dots", "pytest"),
    healthy("buildkit_plain", "replay.py packages.plain 5", "a real build, its export quiet"),
    healthy("buildkit_rawjson", "replay.py packages.rawjson 5", "the same as rawjson"),
    healthy("go_pool", "runtime.go pool", "a pool of goroutines that works"),
    healthy("node_serve", "serve.js", "an HTTP server with requests"),
    healthy("a_gigabyte", "working.py a_gigabyte", "a gigabyte of output", cores=1),
    healthy("one_long_line", "working.py one_long_line", "a line of 100 MB"),
    healthy("binary_output", "working.py binary_output", "binary output"),
    healthy("forged_verdict", "working.py forged_verdict", "lines that look like the runner's own"),
    healthy("sleep_twice", "waiting.py sleep_twice", "waits twice, works between"),
    healthy("wait_select", "waiting.py select_with_time_limit", "select() with a time limit"),
    healthy("wait_client", "waiting.py client_that_comes", "accept(), and a client comes"),
    healthy("wait_flock", "waiting.py lock_that_is_released", "flock(), and the lock is released"),
    healthy("wait_child", "waiting.py child_that_sleeps", "waits for a child that sleeps"),
    healthy("wait_pipe", "waiting.py pipe_that_is_filled", "reads a pipe that is filled in the end"),
    healthy("wait_thread", "waiting.py event_of_a_thread", "waits for another thread"),
    healthy("wait_pool", "waiting.py workers_without_work", "a pool with one slow task"),
    healthy("wait_fifo", "waiting.py fifo_that_is_opened", "opens a FIFO that is opened in the end"),
    healthy("wait_timerfd", "waiting.c timerfd", "timerfd"),
    healthy("wait_inotify", "waiting.c inotify", "inotify, and a file comes"),
    healthy("wait_sigwait", "waiting.c sigwait", "sigwait(), and an alarm comes"),
    healthy("wait_handler", "waiting.c handler", "only its own signal handler fills the pipe it reads"),
    healthy("wait_posix_timer", "waiting.c posix_timer", "only its own POSIX timer does"),
    healthy("leftover_pool", "needed.py leftover_pool", "a killed test has left dead workers; the build goes on"),
    healthy("dead_below_timeout", "sh needed.sh timeout", "a dead test below timeout"),
    healthy("dead_beside_watchdog", "sh needed.sh watchdog", "a dead test that (sleep; kill) ends"),
    healthy("dead_in_background", "sh needed.sh background", "a dead helper in the background of a shell"),
    healthy("dead_unasked_helper", "needed.py unasked_helper", "a dead helper that nobody asks for"),
    healthy("dead_run_with_limit", "needed.py run_with_limit", "subprocess.run(timeout=...)"),
    healthy("dead_output_with_limit", "needed.py output_with_limit", "the same with its output collected"),
    healthy("dead_below_timer_thread", "needed.py timer_thread", "a thread will kill the child"),
    healthy("dead_below_alarm", "needed.py alarm", "an alarm will kill the child"),
    healthy("dead_beside_watcher", "needed.py sibling_with_limit", "a watcher that ticks, as busybox has one"),
    healthy("go_dead_step_with_limit", "runtime.go limited dead.py mutual_join", "exec.CommandContext with a timeout"),
    healthy("wait_mutex", "waiting.c mutex", "a mutex whose holder sleeps"),
]
