// Verdicts of the real runner over real programs, with limits of a second or two.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "runner/run.h"

namespace imagebatch::runner {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

const std::vector<std::string> kQuick = {"--idle-after", "1s", "--sample-every", "100ms", "--grace", "500ms"};

std::vector<std::string> Quick(std::initializer_list<std::string> more) {
  std::vector<std::string> options = kQuick;
  options.insert(options.end(), more);
  return options;
}

TEST(Idle, IsFlaggedAndLeftAlone) {
  Supervised run(kQuick, {"sleep", "1000"});
  ASSERT_TRUE(Await([&] { return run.Hung(); }));
  const json state = run.State();
  EXPECT_EQ(state["class"], "Idle");
  EXPECT_EQ(state["reason"], "NoActivity");
  EXPECT_GE(state["since"], state["lastProgress"]);
  EXPECT_GE(state["evidence"]["quietSeconds"]["cpu"], 1.0);
  ASSERT_EQ(state["evidence"]["processes"].size(), 1U);
  EXPECT_EQ(state["evidence"]["processes"][0]["command"], "sleep 1000");
  EXPECT_EQ(state["evidence"]["processes"][0]["syscall"], "clock_nanosleep");
  EXPECT_TRUE(run.Running());
  run.Signal(SIGTERM);
  EXPECT_EQ(run.Wait(), 128 + SIGTERM);
  EXPECT_EQ(run.Result()["verdict"], "Hung") << "it was hung when it was ended from outside";
}

TEST(Busy, IsFlaggedWhereCpuIsAllThereIs) {
  Supervised run({"--idle-after", "10s", "--silent-after", "1s", "--sample-every", "100ms"},
                 Shell("while :; do :; done"));
  ASSERT_TRUE(Await([&] { return run.Hung(); }));
  EXPECT_EQ(run.State()["class"], "Busy");
  EXPECT_EQ(run.State()["reason"], "NoOutput");
}

TEST(Looping, IsFlaggedUntilItSaysSomethingNew) {
  Supervised run({"--idle-after", "10s", "--silent-after", "1s", "--sample-every", "100ms"},
                 Shell("n=0; until [ -e go ]; do n=$((n + 1)); echo \"attempt $n failed\"; sleep 0.1; done; "
                       "echo connected; sleep 1000"));
  ASSERT_TRUE(Await([&] { return run.Hung(); }));
  EXPECT_EQ(run.State()["class"], "Looping");
  EXPECT_EQ(run.State()["reason"], "NothingNew");
  { const std::ofstream go(run.Directory() / "go"); }
  EXPECT_TRUE(Await([&] { return !run.Hung(); }));
}

TEST(Idle, IsFlaggedOnce) {
  Supervised run(kQuick, {"sleep", "1000"}, {"IMAGEBATCH_MARKER=m1"});
  ASSERT_TRUE(Await([&] { return run.Hung(); }));
  const json first = run.State();
  ASSERT_TRUE(Await([&] { return run.State() != first; })) << "samples go on";
  EXPECT_EQ(run.State()["since"], first["since"]);
  const auto lines = OwnLines(run.Errors());
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0]["imagebatch"], "evidence");
  EXPECT_EQ(lines[0]["marker"], "m1");
  EXPECT_EQ(lines[0]["since"], first["since"]);
}

TEST(Idle, ClearsWhenWorkGoesOn) {
  Supervised run(kQuick,
                 Shell("mkfifo one two; printf 'no newline' >&2; read x < one; echo working; read x < two"));
  ASSERT_TRUE(Await([&] { return run.Hung(); }));
  std::ofstream(run.Directory() / "one") << "go\n";
  ASSERT_TRUE(Await([&] { return !run.Hung(); }));
  EXPECT_TRUE(run.State()["class"].is_null());
  ASSERT_TRUE(Await([&] { return run.Hung(); })) << "and comes back";
  std::ofstream(run.Directory() / "two") << "go\n";
  EXPECT_EQ(run.Wait(), 0);
  EXPECT_THAT(run.Errors(), StartsWith("no newline\n{\"imagebatch\":\"evidence\""));
  const auto lines = OwnLines(run.Errors());
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[1]["imagebatch"], "verdict");
  EXPECT_EQ(lines[1]["verdict"], "Progressing");
  EXPECT_EQ(run.Result()["verdict"], "Progressing");
  EXPECT_TRUE(run.Result()["class"].is_null());
}

struct Healthy {
  const char* name;
  const char* script;
};

void PrintTo(const Healthy& build, std::ostream* out) { *out << build.name; }

class HealthyBuild : public testing::TestWithParam<Healthy> {};

TEST_P(HealthyBuild, IsNotFlagged) {
  Supervised run({"--idle-after", "2s", "--sample-every", "100ms"},
                 Shell(std::string("end=$(($(date +%s) + 5)); going() { [ $(date +%s) -lt $end ]; }; ") +
                       GetParam().script));
  EXPECT_EQ(run.Wait(), 0);
  EXPECT_THAT(OwnLines(run.Errors()), IsEmpty()) << run.Errors();
}

INSTANTIATE_TEST_SUITE_P(
    Runner, HealthyBuild,
    testing::Values(
        Healthy{"Computes", "python3 -c 'import time\nend = time.time() + 5\nwhile time.time() < end: pass'"},
        Healthy{"WorksOnDisk", "while going; do head -c 300000 /dev/zero > file; sleep 0.5; done"},
        Healthy{"TricklesOutput",
                "python3 -c 'import time\nfor _ in range(10): print(1, flush=True); time.sleep(0.5)'"},
        Healthy{"StartsShortLivedChildren", "while going; do /bin/true; done"},
        Healthy{"IsQuietThenWorks", "for i in 1 2 3 4; do sleep 1; date; done"}),
    [](const auto& instance) { return instance.param.name; });

TEST(Deadline, CountsWhateverHappens) {
  Supervised run({"--deadline", "1s", "--sample-every", "100ms"},
                 Shell("while :; do echo busy; done > /dev/null"));
  ASSERT_TRUE(Await([&] { return run.Hung(); }));
  EXPECT_EQ(run.State()["class"], "Deadline");
  EXPECT_THAT(run.State()["message"].get<std::string>(), HasSubstr("the deadline is 1 s"));
}

TEST(OnHangFail, ShowsTheMarkerInTheResultOnlyOnceNothingIsLeftThatCouldReadIt) {
  Supervised run(Quick({"--on-hang", "fail"}), Shell("trap 'cp result seen; exit 0' TERM; sleep 1000 & wait"),
                 {"IMAGEBATCH_MARKER=m1"});
  EXPECT_EQ(run.Wait(), 124);
  EXPECT_EQ(run.Result()["marker"], "m1");
  const json seen = json::parse(Content(run.Directory() / "seen"), nullptr, false);
  EXPECT_EQ(seen["verdict"], "Hung");
  EXPECT_FALSE(seen.contains("marker"));
}

TEST(OnHangFail, TakesTheEvidenceAndLeavesNothing) {
  Supervised run(Quick({"--on-hang", "fail"}),
                 Shell("echo last words; "
                       "setsid sh -c 'echo $$ > deaf; trap \"\" TERM; while :; do sleep 1000; done' & "
                       "(sh -c 'echo $$ > orphan; exec sleep 1000' &); "
                       "sh -c 'echo $$ > stopped; kill -STOP $$' & wait"));
  EXPECT_EQ(run.Wait(), 124);
  for (const char* name : {"deaf", "orphan", "stopped"}) {
    const int pid = std::atoi(Content(run.Directory() / name).c_str());
    ASSERT_GT(pid, 0) << name;
    EXPECT_FALSE(Alive(pid)) << name;
  }
  const json result = run.Result();
  EXPECT_EQ(result["exitCode"], 124);
  EXPECT_EQ(result["verdict"], "Hung");
  EXPECT_EQ(result["class"], "Idle");
  EXPECT_GE(result["evidence"]["processes"].size(), 4U);
  EXPECT_EQ(result["evidence"]["output"], json::array({"last words"}));
  EXPECT_LE(Content(run.Directory() / "result").size(), 4096U);
  EXPECT_EQ(OwnLines(run.Errors()).size(), 1U);
  EXPECT_EQ(run.State()["verdict"], "Hung");
}

TEST(OnHangFail, GivesTheCommandTimeToClean) {
  Supervised run({"--idle-after", "1s", "--sample-every", "100ms", "--grace", "20s", "--on-hang", "fail"},
                 Shell("trap 'echo cleaned; exit 0' TERM; sleep 1000 & wait"));
  EXPECT_EQ(run.Wait(), 124);
  EXPECT_EQ(run.Output(), "cleaned\n");
}

/// A program that makes the file `stuck` when it is: on a busy machine its start may take longer than the
/// limit.
std::vector<std::string> NotIdleBeforeItIsStuck(const std::string& program) {
  return Shell("(until [ -e stuck ]; do echo starting; sleep 0.1; done) & exec " + program);
}

TEST(OnHangFail, AsksForStacksBehindTheEvidence) {
  Supervised run(Quick({"--on-hang", "fail"}),
                 NotIdleBeforeItIsStuck("python3 -X faulthandler -c 'import time\n"
                                        "def stuck(): open(\"stuck\", \"w\").close(); time.sleep(1000)\n"
                                        "stuck()'"));
  EXPECT_EQ(run.Wait(), 124);
  const std::string log = run.Errors();
  EXPECT_THAT(log, StartsWith("{\"imagebatch\":\"evidence\""));
  EXPECT_THAT(log, HasSubstr("Fatal Python error: Aborted"));
  EXPECT_THAT(log, HasSubstr("in stuck"));
  EXPECT_FALSE(std::filesystem::exists(run.Directory() / "core"));
}

TEST(OnHangFail, AsksAJavaMachineForItsStacks) {
  if (std::system("java -version > /dev/null 2>&1") != 0) GTEST_SKIP() << "no java";
  Supervised run(
      Quick({"--on-hang", "fail"}),
      NotIdleBeforeItIsStuck(
          "sh -c 'echo \"class Stuck { public static void main(String[] a) throws Exception { stuck(); } "
          "static void stuck() throws Exception { new java.io.File(\\\"stuck\\\").createNewFile(); "
          "synchronized (Stuck.class) { Stuck.class.wait(); } } }\" > Stuck.java; exec java Stuck.java'"));
  EXPECT_EQ(run.Wait(), 124);
  EXPECT_THAT(run.Output(), HasSubstr("Full thread dump"));
  EXPECT_THAT(run.Output(), HasSubstr("at Stuck.stuck"));
}

TEST(OnHangFail, AbortsNobodyWhoDoesNotListen) {
  // The shell handles both signals, but prints no stacks.
  Supervised run(Quick({"--on-hang", "fail"}),
                 Shell("trap 'echo aborted' ABRT; trap 'echo quit' QUIT; sleep 1000 & wait"));
  EXPECT_EQ(run.Wait(), 124);
  EXPECT_THAT(run.Output(), IsEmpty());
}

TEST(ForkPool, IsADeadlockAndItsEvidenceShowsTheLock) {
  Supervised run(
      {"--deadlock-after", "2s", "--sample-every", "200ms", "--grace", "500ms", "--on-hang", "fail"},
      {"python3", FORK_POOL, "--", "echo", "built"});
  EXPECT_EQ(run.Wait(), 124);
  EXPECT_THAT(run.Output(), Not(HasSubstr("built")));
  const json result = run.Result();
  EXPECT_EQ(result["class"], "Deadlock");
  EXPECT_EQ(result["reason"], "WaitCycle");
  EXPECT_THAT(result["message"].get<std::string>(),
              StartsWith("5 processes wait only for one another: pid "));
  const json cycle = result["evidence"]["deadlock"];
  ASSERT_EQ(cycle.size(), 5U);
  EXPECT_THAT(cycle[0].get<std::string>(), HasSubstr("1 waits for the other end of pipes ["));
  EXPECT_THAT(
      cycle[1].get<std::string>(),
      HasSubstr("its only thread waits for a lock (futex) of its own process, where nobody is awake"));
  // The account has not the room for all of it.
  const auto lines = OwnLines(run.Errors());
  ASSERT_EQ(lines.size(), 1U);
  const json processes = lines.front()["evidence"]["processes"];
  ASSERT_EQ(processes.size(), 5U);
  for (const json& process : processes) {
    EXPECT_EQ(process["state"], "S");
    EXPECT_EQ(process["syscall"], "futex") << process;
    EXPECT_THAT(process["command"].get<std::string>(), HasSubstr("fork_pool.py"));
  }
  EXPECT_EQ(processes[0]["otherThreads"]["poll"], 1) << "the pool's manager waits for the children's pipes";
  const json stacks = lines.front()["evidence"]["stacks"];
  ASSERT_EQ(stacks.size(), 2U) << stacks;
  EXPECT_EQ(stacks[1]["pids"].size(), 4U) << "the children wait alike";
  ASSERT_EQ(stacks[1]["threads"].size(), 1U);
  const json child = stacks[1]["threads"][0];
  EXPECT_EQ(child["thread"], "main");
  EXPECT_THAT(
      child["at"].get<std::string>(),
      MatchesRegex(".*/fork_pool.py:34 (BufferedHandler.)?emit `with self.buffer_lock:` < "
                   "logging/__init__.py:[0-9]+ (Handler.)?handle <~ fork_pool.py:43 announce <~ .forked."));
  EXPECT_THAT(child["waitsFor"].get<std::string>(),
              StartsWith("a Lock that is locked, and no other thread is left in this process to unlock it: "
                         "copied, locked, through fork"));
  EXPECT_THAT(stacks[0]["threads"][0]["at"].get<std::string>(), HasSubstr("run `return result.result()`"));
}

TEST(ForkPool, BuildsInTheOtherAttempts) {
  Supervised second({}, {"python3", FORK_POOL, "--", "sh", "-c", "echo built; exit 3"},
                    {"IMAGEBATCH_ATTEMPT=2"});
  EXPECT_EQ(second.Wait(), 3);
  EXPECT_THAT(second.Output(), HasSubstr("built\n"));
  Supervised first({}, {"python3", FORK_POOL, "--hang-on-attempts", "2,3", "--", "echo", "built"},
                   {"IMAGEBATCH_ATTEMPT=1"});
  EXPECT_EQ(first.Wait(), 0);
}

TEST(Probe, SaysTheVerdictByItsExitCode) {
  Supervised run(kQuick, {"sleep", "1000"});
  ASSERT_TRUE(Await([&] { return run.State().is_object(); }));
  Supervised early({}, {RUNNER_BINARY, "probe", "--state", run.Directory() / "state"});
  EXPECT_EQ(early.Wait(), 0);
  ASSERT_TRUE(Await([&] { return run.Hung(); }));
  Supervised late({}, {RUNNER_BINARY, "probe", "--state", run.Directory() / "state"});
  EXPECT_EQ(late.Wait(), 1);
  EXPECT_LE(late.Output().size(), 900U);
  EXPECT_EQ(json::parse(late.Output())["class"], "Idle");
  Supervised none({}, {RUNNER_BINARY, "probe", "--state", run.Directory() / "no-such-file"});
  EXPECT_EQ(none.Wait(), 2);
}

TEST(Probe, OfADeadRunnerIsNoSuccess) {
  const auto probe = [](const Supervised& run) {
    Supervised probed({}, {RUNNER_BINARY, "probe", "--state", run.Directory() / "state"});
    return probed.Wait();
  };
  Supervised ended({}, {"true"});
  EXPECT_EQ(ended.Wait(), 0);
  EXPECT_EQ(probe(ended), 2);
  Supervised killed({}, {"sleep", "1000"});
  ASSERT_TRUE(Await([&] { return killed.State().is_object(); }));
  killed.Signal(SIGKILL);
  EXPECT_TRUE(Await([&] { return probe(killed) == 2; }));
  EXPECT_EQ(killed.State()["verdict"], "Progressing") << "what was left behind";
}

TEST(Probe, SeesALivingRunnerWhileItReplacesItsState) {
  Supervised run({"--sample-every", "10ms"}, {"sleep", "1000"});
  ASSERT_TRUE(Await([&] { return run.State().is_object(); }));
  const std::string state = run.Directory() / "state";
  Supervised probes({}, Shell("for i in $(seq 100); do " + std::string(RUNNER_BINARY) + " probe --state " +
                              state + " || exit 9; done"));
  EXPECT_EQ(probes.Wait(), 0) << probes.Errors();
}

class Connection {
 public:
  explicit Connection(uint16_t port) : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    connected_ = connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { close(socket_); }

  bool Connected() const { return connected_; }
  void Send(const std::string& text) const { (void)send(socket_, text.data(), text.size(), MSG_NOSIGNAL); }
  /// Everything until the other side closes.
  std::string Receive() const {
    std::string text;
    char buffer[4096];
    ssize_t length = 0;
    while ((length = recv(socket_, buffer, sizeof buffer, 0)) > 0)
      text.append(buffer, static_cast<size_t>(length));
    return text;
  }

 private:
  int socket_;
  bool connected_ = false;
};

uint16_t FreePort() {
  const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  socklen_t size = sizeof address;
  EXPECT_EQ(bind(probe, reinterpret_cast<sockaddr*>(&address), size), 0);
  getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size);
  close(probe);
  return ntohs(address.sin_port);
}

std::string Get(uint16_t port) {
  Connection connection(port);
  connection.Send("GET /progress HTTP/1.1\r\nHost: x\r\n\r\n");
  return connection.Receive();
}

json Body(const std::string& response) { return json::parse(response.substr(response.find("\r\n\r\n") + 4)); }

TEST(Listen, AnswersByTheVerdict) {
  const uint16_t port = FreePort();
  Supervised run(Quick({"--listen", ":" + std::to_string(port)}), {"sleep", "1000"});
  ASSERT_TRUE(Await([&] { return Connection(port).Connected(); }));
  const std::string early = Get(port);
  EXPECT_THAT(early, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(Body(early)["verdict"], "Progressing");
  ASSERT_TRUE(Await([&] { return run.Hung(); }));
  const std::string late = Get(port);
  EXPECT_THAT(late, StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_EQ(Body(late)["evidence"]["processes"][0]["command"], "sleep 1000");
}

TEST(Listen, IsNotHeldUpByOthers) {
  const uint16_t port = FreePort();
  Supervised run({"--listen", "127.0.0.1:" + std::to_string(port)}, {"sleep", "1000"});
  ASSERT_TRUE(Await([&] { return Connection(port).Connected(); }));
  Connection silent(port);
  Connection slow(port);
  slow.Send("GET /prog");
  EXPECT_THAT(Get(port), StartsWith("HTTP/1.1 200 OK\r\n"));
  Connection large(port);
  large.Send("GET /progress HTTP/1.1\r\n" + std::string(5000, 'x'));
  EXPECT_THAT(large.Receive(), StartsWith("HTTP/1.1 431 "));
  std::vector<std::unique_ptr<Connection>> crowd;
  for (int count = 0; count < 30; ++count) crowd.push_back(std::make_unique<Connection>(port));
  EXPECT_TRUE(Await([&] { return Get(port).starts_with("HTTP/1.1 200 OK\r\n"); }))
      << "once the silent ones are closed";
  EXPECT_EQ(silent.Receive(), "");
}

/// In a network namespace of its own, with a cable whose other end swallows what is sent.
TEST(Network, OfAContainerIsASignal) {
  const std::string prepare =
      "set -e; ip link add out type veth peer name end; ip link set out addrgenmode none; ip link set end "
      "addrgenmode none; ip link set out up; ip link set end up; "
      "ip address add 192.0.2.1/24 dev out; ip neighbour add 192.0.2.2 lladdr 02:00:00:00:00:02 dev out; ";
  const std::string runner = std::string("exec ") + RUNNER_BINARY +
                             " --idle-after 2s --sample-every 100ms --state inner --result inner-result -- ";
  const std::string sender =
      "python3 -c 'import socket, time\n"
      "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
      "for _ in range(10): s.sendto(bytes(1400), (\"192.0.2.2\", 9)); time.sleep(0.5)'";
  const auto contained = [&](const std::string& command) {
    return std::vector<std::string>{"unshare", "--pid", "--fork", "--mount-proc",
                                    "--net",   "sh",    "-c",     prepare + runner + command};
  };
  Supervised talks({}, contained(sender));
  const int code = talks.Wait();
  if (!std::filesystem::exists(talks.Directory() / "inner"))
    GTEST_SKIP() << "no right to make namespaces: " << talks.Errors();
  EXPECT_EQ(code, 0);
  EXPECT_TRUE(
      json::parse(Content(talks.Directory() / "inner"))["evidence"]["quietSeconds"].contains("network"));
  EXPECT_THAT(OwnLines(talks.Errors()), IsEmpty()) << talks.Errors();
  Supervised silent({}, contained("sleep 4"));
  EXPECT_EQ(silent.Wait(), 0);
  EXPECT_EQ(OwnLines(silent.Errors()).size(), 1U) << silent.Errors();
}

}  // namespace
}  // namespace imagebatch::runner
