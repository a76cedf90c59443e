// The proof of deadlocks by the real runner over real programs: those that wait for themselves, and those
// that merely wait.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>

#include "runner/run.h"

namespace imagebatch::runner {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;

const std::vector<std::string> kProve = {"--deadlock-after", "1s",   "--idle-after", "0",
                                         "--sample-every",   "50ms", "--grace",      "300ms"};

/// A Python program: `script` behind what all of them use. It calls ready() before it waits.
struct Program {
  const char* name;
  const char* script;
  const char* evidence = "";  // a part of one of the sentences
};

void PrintTo(const Program& program, std::ostream* out) { *out << program.name; }

constexpr const char* kPrelude = R"py(
import ctypes, fcntl, multiprocessing, os, queue, select, signal, socket, subprocess, sys, threading, time
libc = ctypes.CDLL(None)
def ready(): print("ready", flush=True)
def forever(): threading.Event().wait()  # an untimed futex of its own
def fork(child):
    pid = os.fork()
    if pid == 0:
        child()
        os._exit(0)
    return pid
def lock(path):
    file = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(file, fcntl.LOCK_EX)
    return file
)py";

std::vector<std::string> Python(const Program& program) {
  return {"python3", "-c", std::string(kPrelude) + program.script};
}

/// For how long the build has said nothing; 0 where no sample has been taken yet.
double OutputQuiet(const json& state) {
  return state.is_object() ? state["evidence"]["quietSeconds"].value("output", 0.0) : 0;
}

class DeadProgram : public testing::TestWithParam<Program> {};

TEST_P(DeadProgram, IsProved) {
  Supervised run(kProve, Python(GetParam()));
  ASSERT_TRUE(Await([&] { return run.Hung() || !run.Running(); })) << run.Output() << run.Errors();
  const json state = run.State();
  EXPECT_EQ(state["class"], "Deadlock");
  EXPECT_EQ(state["reason"], "WaitCycle");
  EXPECT_LE(state["message"].get<std::string>().size(), 250U);
  std::string sentences;
  for (const json& sentence : state["evidence"]["deadlock"]) sentences += sentence.get<std::string>() + "\n";
  EXPECT_THAT(sentences, HasSubstr(GetParam().evidence));
}

INSTANTIATE_TEST_SUITE_P(
    Runner, DeadProgram,
    testing::Values(
        Program{"MutualJoin",
                "def other(): main.join()\n"
                "main = threading.current_thread(); thread = threading.Thread(target=other); thread.start()\n"
                "thread.join()",
                "all 2 threads wait for a lock (futex) of its own process"},
        Program{"QueueThatNobodyFills", "queue.Queue().get()", "its only thread waits for a lock (futex)"},
        Program{"SharedQueueThatNobodyFills",
                "q = multiprocessing.get_context('fork').Queue()\n"
                "fork(q.get); fork(q.get); os.wait()",
                "in memory shared by pids "},
        Program{"PipeWithoutAWriterButItself", "r, w = os.pipe(); os.read(r, 1)",
                "waits for data from pipe ["},
        Program{"PollOfThatPipe", "r, w = os.pipe(); p = select.poll(); p.register(r); p.poll()",
                "its only thread waits for the other end of pipe ["},
        Program{"SelectOfThatPipe", "r, w = os.pipe(); select.select([r], [], [])",
                "its only thread waits for the other end of pipe ["},
        Program{"EpollOfThatPipe", "r, w = os.pipe(); e = select.epoll(); e.register(r); e.poll()",
                "its only thread waits for the other end of pipe ["},
        Program{"FullPipesBothWays",
                "a, b = os.pipe(), os.pipe()\n"
                "def child(): os.close(a[0]); os.close(b[1]); os.write(a[1], bytes(1 << 20))\n"
                "fork(child); os.close(b[0]); os.close(a[1]); os.write(b[1], bytes(1 << 20))",
                "waits for room in pipe ["},
        Program{"TwoFileLocksCrosswise",
                "got = os.pipe()\n"
                "def child(): lock('one'); os.write(got[1], b'1'); lock('two')\n"
                "two = lock('two'); fork(child); os.read(got[0], 1); lock('one')",
                "/one, held by pid "},
        Program{"RecordLockOfADeadChild",
                "one = open('one', 'w'); got = os.pipe()\n"
                "def child(): fcntl.lockf(one, fcntl.LOCK_EX); os.write(got[1], b'1'); forever()\n"
                "fork(child); os.read(got[0], 1); fcntl.lockf(one, fcntl.LOCK_EX)",
                "/one, held by pid "},
        Program{"OpenFileLock",
                "F_OFD_SETLKW = 38; import struct; flock = struct.pack('hhqqi', fcntl.F_WRLCK, 0, 0, 0, 0)\n"
                "one, two = open('one', 'w'), open('one', 'w')\n"
                "fcntl.fcntl(one, F_OFD_SETLKW, flock); fcntl.fcntl(two, F_OFD_SETLKW, flock)",
                "/one, held by this process alone"},
        Program{"ParentOfADeadChild", "fork(forever); os.wait()", "waits for the end of a child, pid "},
        Program{"ADaemonisedWorker",
                "r, w = os.pipe()\n"
                "def middle(): fork(forever)\n"
                "os.waitpid(fork(middle), 0); os.close(w); os.read(r, 1)",
                "waits for data from pipe ["},
        Program{"BelowALivingDaemon",
                "def tick():\n  while True: time.sleep(0.1)\n"
                "threading.Thread(target=tick).start(); fork(forever); os.wait()",
                "its only thread waits for a lock (futex)"},
        Program{"BelowAPollOfItsPipeThatTicks",
                "r, w = os.pipe(); child = fork(forever); os.close(w)\n"
                "while not select.select([r], [], [], 0.1)[0]: pass",
                "its only thread waits for a lock (futex)"},
        Program{"BelowAnInitThatTicks",
                "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD]); fork(forever)\n"
                "while not signal.sigtimedwait([signal.SIGCHLD], 0.1): pass",
                "its only thread waits for a lock (futex)"},
        Program{"BelowAnInitThatWaits",
                "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD]); fork(forever)\n"
                "signal.sigwait([signal.SIGCHLD])",
                "its only thread waits for a lock (futex)"},
        Program{"BelowAPollOfTwoOfItsPipes",
                "a, b = os.pipe(), os.pipe()\n"
                "def tick():\n  while True: time.sleep(0.1)\n"
                "fork(forever); os.close(a[1]); os.close(b[1]); threading.Thread(target=tick).start()\n"
                "select.select([a[0], b[0]], [], [])",
                "its only thread waits for a lock (futex)"},
        Program{"TheOneOfTwoChildrenThatIsMeant",
                "fork(lambda: socket.create_server(('', 0)).accept()); os.waitpid(fork(forever), 0)",
                "waits for the end of a child"},
        Program{
            "InTheForegroundOfAShell",
            "server = 'import socket; socket.create_server((str(), 0)).accept()'\n"
            "dead = 'import threading; threading.Event().wait()'\n"
            "os.execvp('sh', ['sh', '-c', 'python3 -c \"$1\" & python3 -c \"$2\"; true', '-', server, dead])",
            "its only thread waits for a lock (futex)"},
        Program{"WithAHandlerThatNobodyElseCouldCall",
                "signal.signal(signal.SIGUSR1, lambda *_: None); fork(forever); os.wait()",
                "waits for the end of a child"}),
    [](const auto& instance) { return instance.param.name; });

/// In all of these something outside, or time, could end the wait.
constexpr Program kMerelyWaiting[] = {
    {"Sleep", "ready(); time.sleep(1000)"},
    {"LockWithATimeLimit", "ready(); threading.Event().wait(1000)"},
    {"OneThreadSleeps", "threading.Thread(target=time.sleep, args=(1000,)).start(); ready(); forever()"},
    {"AcceptsConnections", "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); ready(); s.accept()"},
    {"ReadsASocket", "a, b = socket.socketpair(); ready(); a.recv(1)"},
    {"NamedFifo", "os.mkfifo('fifo'); f = os.open('fifo', os.O_RDWR); ready(); os.read(f, 1)"},
    {"OpensAFifo", "os.mkfifo('fifo'); ready(); open('fifo')"},
    {"Terminal", "master, slave = os.openpty(); ready(); os.read(slave, 1)"},
    {"Inotify", "i = libc.inotify_init(); ready(); os.read(i, 1000)"},
    {"Timerfd", "t = libc.timerfd_create(1, 0); ready(); os.read(t, 8)"},
    {"Eventfd", "e = os.eventfd(0); ready(); os.read(e, 8)"},
    {"Signalfd",
     "s = libc.signalfd(-1, ctypes.create_string_buffer(b'\\x10' + bytes(127)), 0); ready(); "
     "os.read(s, 128)"},
    {"EpollOfASocket",
     "a, b = socket.socketpair(); r, w = os.pipe(); e = select.epoll(); e.register(a, 1); e.register(r); "
     "ready(); "
     "e.poll()"},
    {"PollOfAPipeAndASocket",
     "a, b = socket.socketpair(); r, w = os.pipe(); p = select.poll(); p.register(r); p.register(a, 1); "
     "ready(); "
     "p.poll()"},
    {"PollOfNothing", "ready(); select.poll().poll()"},
    {"Pause", "ready(); signal.pause()"},
    {"Sigwait", "ready(); signal.sigwait([signal.SIGUSR1])"},
    {"Alarm", "signal.signal(signal.SIGALRM, lambda *_: None); signal.alarm(1000); ready(); forever()"},
    {"PosixTimer",
     "timer = ctypes.c_void_p(); libc.timer_create(1, None, ctypes.byref(timer)); ready(); forever()"},
    {"ParentOfASleepingChild", "fork(lambda: time.sleep(1000)); ready(); os.wait()"},
    {"PipeFromASleepingChild",
     "r, w = os.pipe(); fork(lambda: time.sleep(1000)); os.close(w); ready(); os.read(r, 1)"},
    {"LockThatASleeperHolds",
     "got = os.pipe()\n"
     "def child(): lock('one'); os.write(got[1], b'1'); time.sleep(1000)\n"
     "fork(child); os.read(got[0], 1); ready(); lock('one')"},
    {"SharedQueueThatASleeperMayFill",
     "q = multiprocessing.get_context('fork').Queue(); fork(lambda: time.sleep(1000)); ready(); q.get()"},
    {"ASleepersChildMayBeToldBySignal",
     "def child(): signal.signal(signal.SIGUSR1, lambda *_: None); ready(); forever()\n"
     "fork(child); time.sleep(1000)"},
    {"AHelperThatIsTheOneToStop",
     "def child(): signal.signal(signal.SIGTERM, lambda *_: os._exit(0)); ready(); forever()\n"
     "fork(child); time.sleep(1000)"},
    {"ToldWhenItsChildEnds",
     "signal.signal(signal.SIGCHLD, lambda *_: None); fork(lambda: time.sleep(1000)); ready(); forever()"},
    {"ParentOfAStoppedChild", "fork(lambda: os.kill(os.getpid(), signal.SIGSTOP)); ready(); os.wait()"},
    {"Busy", "fork(forever); ready()\nwhile True: pass"},
    // Dead processes that the build does not need, or that something will end.
    {"LeftoverOfAnEarlierStep", "fork(lambda: fork(forever)); os.wait(); ready(); time.sleep(1000)"},
    {"DeadChildThatNobodyAsksFor",
     "fork(forever); other = fork(lambda: socket.create_server(('', 0)).accept()); ready(); "
     "os.waitpid(other, 0)"},
    {"DeadBelowTimeout",
     "ready(); os.execvp('timeout', ['timeout', '1000', 'python3', '-c', 'import threading; "
     "threading.Event().wait()'])"},
    {"DeadBelowAnAlarm",
     "signal.signal(signal.SIGALRM, lambda *_: None); signal.alarm(1000); fork(forever); ready(); os.wait()"},
    {"DeadBelowATimerThread",
     "child = fork(forever); threading.Timer(1000, os.kill, (child, 9)).start(); ready(); os.wait()"},
    {"DeadBelowAPollWithALimit",
     "r, w = os.pipe(); fork(forever); os.close(w); ready(); select.select([r], [], [], 1000)"},
    {"DeadBesideALivingChildWhosePipeIsPolledToo",
     "a, b = os.pipe(), os.pipe()\n"
     "def dead(): os.close(b[1]); forever()\n"
     "def alive(): os.close(a[1]); socket.create_server(('', 0)).accept()\n"
     "fork(dead); fork(alive); os.close(a[1]); os.close(b[1]); ready(); select.select([a[0], b[0]], [], [])"},
    {"DeadBelowATimerfd",
     "r, w = os.pipe(); fork(forever); os.close(w); t = libc.timerfd_create(1, 0)\n"
     "libc.timerfd_settime(t, 0, (ctypes.c_long * 4)(0, 0, 1000, 0), None); ready(); select.select([r, t], "
     "[], [])"},
    {"DeadBesideAWatcher",
     "child = fork(forever)\n"
     "def watch():\n  for _ in range(10000): time.sleep(0.1)\n  os.kill(child, 9)\n"
     "fork(watch); ready(); os.waitpid(child, 0)"},
    {"DeadInTheBackgroundOfAShell",
     "server = 'import socket; socket.create_server((str(), 0)).accept()'\n"
     "dead = 'import threading; threading.Event().wait()'\n"
     "ready(); os.execvp('sh', ['sh', '-c', 'python3 -c \"$2\" & python3 -c \"$1\"; true', '-', server, "
     "dead])"},
};

/// All at once, for each is to be watched for a while.
TEST(MereWaiting, IsNeverProved) {
  struct Run {
    const Program& program;
    std::unique_ptr<Supervised> supervised;
  };
  std::vector<Run> runs;
  for (const Program& program : kMerelyWaiting) {
    runs.push_back({program, std::make_unique<Supervised>(kProve, Python(program))});
  }
  for (Run& run : runs) {
    SCOPED_TRACE(run.program.name);
    Supervised& supervised = *run.supervised;
    ASSERT_TRUE(Await([&] { return supervised.Output().starts_with("ready\n"); })) << supervised.Errors();
    // The busy one is never quiet: all that it can be asked for is to be watched.
    const auto observed = [&] { return OutputQuiet(supervised.State()) >= 3.0; };
    EXPECT_TRUE(Await([&] { return observed() || !supervised.Running(); }));
    EXPECT_TRUE(supervised.Running());
    EXPECT_THAT(OwnLines(supervised.Errors()), IsEmpty()) << supervised.Errors();
  }
}

/// A pipe whose other end the runner was given, as `make -j` gives its own to what it starts.
TEST(MereWaiting, ForAPipeFromOutsideIsNeverProved) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);  // both are inherited by the runner, and by its command
  Supervised run(kProve, Python({"", ("ready(); os.read(" + std::to_string(ends[0]) + ", 1)").c_str()}));
  EXPECT_TRUE(Await([&] { return OutputQuiet(run.State()) >= 3.0 && run.Output() == "ready\n"; }));
  EXPECT_THAT(OwnLines(run.Errors()), IsEmpty());
  close(ends[0]);
  close(ends[1]);
}

/// The command waits for the runner, and the runner for whoever reads its output.
TEST(MereWaiting, ForTheReaderOfTheOutputIsNeverProved) {
  // The reader waits for three times the longest threshold before it begins.
  Supervised run(
      {"--deadlock-after", "0", "--idle-after", "0"},
      Shell(std::string(RUNNER_BINARY) +
            " --deadlock-after 1s --idle-after 2s --silent-after 2s --sample-every 50ms --state inner "
            "--result result -- head -c 10000000 /dev/zero | { sleep 6; wc -c; }"));
  EXPECT_EQ(run.Wait(), 0);
  EXPECT_EQ(run.Output(), "10000000\n");
  EXPECT_THAT(OwnLines(run.Errors()), IsEmpty()) << run.Errors();
  EXPECT_EQ(json::parse(Content(run.Directory() / "result"))["verdictCounts"], json::object());
}

TEST(Deadlock, ClearsWhenTheDeadPartIsGone) {
  Supervised run(kProve, Python({"",
                                 "child = fork(forever); open('pid', 'w').write(str(child) + '\\n'); "
                                 "os.wait(); ready(); time.sleep(1000)"}));
  ASSERT_TRUE(Await([&] { return run.Hung(); })) << run.Errors();
  kill(std::atoi(Content(run.Directory() / "pid").c_str()), SIGKILL);
  EXPECT_TRUE(Await([&] { return !run.Hung(); }));
  EXPECT_TRUE(run.Running());
}

TEST(Deadlock, LeftoversAreToldInTheEvidenceOfWhatWasFound) {
  Supervised run({"--deadlock-after", "1s", "--idle-after", "3s", "--sample-every", "50ms"},
                 Python({"",
                         "def step(): fork(forever); fork(forever)\n"
                         "fork(step); os.wait(); time.sleep(1000)"}));
  ASSERT_TRUE(Await([&] { return run.Hung(); })) << run.Errors();
  const json state = run.State();
  EXPECT_EQ(state["class"], "Idle");
  EXPECT_FALSE(state["evidence"].contains("deadlock"));
  EXPECT_THAT(state["evidence"]["notNeeded"].get<std::string>(),
              testing::MatchesRegex(
                  "2 leftover processes are dead: pid [0-9]+ waits for a lock only it could release"));
}

TEST(Deadlock, ZeroTurnsItOff) {
  Supervised run({"--deadlock-after", "0", "--idle-after", "2s", "--sample-every", "50ms"},
                 Python({"", "forever()"}));
  ASSERT_TRUE(Await([&] { return run.Hung(); }));
  EXPECT_EQ(run.State()["class"], "Idle");
}

TEST(Deadlock, WaitsForABusySiblingToRest) {
  Supervised run(kProve, Python({"",
                                 "fork(forever); end = time.time() + 4\n"
                                 "while time.time() < end: pass\n"
                                 "open('rests', 'w'); os.wait()"}));
  ASSERT_TRUE(Await([&] { return run.Hung(); }));
  EXPECT_TRUE(std::filesystem::exists(run.Directory() / "rests"));
  EXPECT_EQ(run.State()["class"], "Deadlock");
}

/// Nothing of another user's process can be read without a right that containers do not give.
TEST(Deadlock, IsNotProvedWhereTheKernelDoesNotLetUsLook) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  const auto runner = [](const char* rights) {
    return std::vector<std::string>{"setpriv",
                                    "--bounding-set",
                                    rights,
                                    RUNNER_BINARY,
                                    "--deadlock-after",
                                    "1s",
                                    "--idle-after",
                                    "3s",
                                    "--sample-every",
                                    "50ms",
                                    "--state",
                                    "inner",
                                    "--result",
                                    "result",
                                    "--",
                                    "setpriv",
                                    "--reuid",
                                    "65534",
                                    "--regid",
                                    "65534",
                                    "--clear-groups",
                                    "perl",
                                    "-e",
                                    "pipe(R, W); sysread(R, $x, 1)"};
  };
  const auto found = [](const Supervised& run) {
    std::string hang_class;
    EXPECT_TRUE(Await([&] {
      const json state = json::parse(Content(run.Directory() / "inner"), nullptr, false);
      if (state.is_object() && state["class"].is_string()) hang_class = state["class"];
      return !hang_class.empty();
    })) << run.Errors();
    return hang_class;
  };
  Supervised may({"--grace", "300ms"}, runner("+all"));
  EXPECT_EQ(found(may), "Deadlock");
  Supervised may_not({"--grace", "300ms"}, runner("-sys_ptrace"));
  EXPECT_EQ(found(may_not), "Idle");
}

}  // namespace
}  // namespace imagebatch::runner
