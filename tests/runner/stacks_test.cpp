// Stacks and owners of locks of real interpreters: this machine's, and those of the Debian releases before
// and behind it (tests/cluster/tools.sh pythons).
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <sstream>

#include "runner/run.h"
#include "runner/stacks/python_reader.h"
#include "runner/stacks/python_runtime.h"
#include "runner/stacks/seen_process.h"
#include "runner/waits/shared_memory.h"

namespace imagebatch::runner {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

struct Interpreter {
  const char* name;
  const char* program;
  const char* version;  // what it begins with
  bool names_holders;   // of plain locks
};

void PrintTo(const Interpreter& interpreter, std::ostream* out) { *out << interpreter.name; }

constexpr Interpreter kInterpreters[] = {
    {"Bullseye39", PYTHONS "/python3.9/run", "3.9", false},
    {"Bookworm311", "/usr/bin/python3", "3.11.", true},
    {"Trixie313", PYTHONS "/python3.13/run", "3.13.", true},
};

/// A program of waiting.py, started by this process, which stands where it is to stand.
class Waiting {
 public:
  Waiting(const Interpreter& interpreter, const std::string& name) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, (directory_ / "out").c_str(), O_WRONLY | O_CREAT, 0600);
    posix_spawn_file_actions_addchdir_np(&actions, directory_.Path().c_str());
    std::vector<std::string> words = {interpreter.program, "-B", WAITING, name};
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    if (posix_spawn(&pid_, interpreter.program, &actions, nullptr, argv.data(), environ) != 0) pid_ = -1;
    posix_spawn_file_actions_destroy(&actions);
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

  bool Ready() const {
    return pid_ > 0 && Await([this] { return Content(directory_ / "out") == "ready\n"; });
  }
  pid_t Pid() const { return pid_; }

  /// What faulthandler writes of the threads, by their idents: "FILE:LINE NAME" for each frame.
  std::map<uint64_t, std::vector<std::string>> Dump() const {
    kill(pid_, SIGUSR1);
    // It writes the current thread last, whose outermost frame is the module.
    EXPECT_TRUE(Await([this] { return Content(directory_ / "dump").ends_with("in <module>\n"); }));
    std::map<uint64_t, std::vector<std::string>> threads;
    std::vector<std::string>* frames = nullptr;
    std::istringstream lines(Content(directory_ / "dump"));
    for (std::string line; std::getline(lines, line);) {
      if (line.find("hread 0x") != std::string::npos) {
        frames = &threads[std::stoull(line.substr(line.find("0x")), nullptr, 16)];
      }
      const size_t file = line.find("  File \"");
      const size_t number = line.find("\", line ");
      const size_t name = line.find(" in ", number);
      if (file != 0 || number == std::string::npos || frames == nullptr) continue;
      frames->push_back(line.substr(8, number - 8) + ":" + line.substr(number + 8, name - number - 8) + " " +
                        line.substr(name + 4));
    }
    return threads;
  }

 private:
  Scratch directory_;
  pid_t pid_ = -1;
};

ProcessStat StatOf(pid_t pid) {
  return ParseStat(Content("/proc/" + std::to_string(pid) + "/stat")).value_or(ProcessStat());
}

class OfInterpreter : public testing::TestWithParam<Interpreter> {};

INSTANTIATE_TEST_SUITE_P(Stacks, OfInterpreter, testing::ValuesIn(kInterpreters),
                         [](const auto& instance) { return std::string(instance.param.name); });

/// The name without what it is in: faulthandler does not write that.
std::string Unqualified(const std::string& name) { return name.substr(name.rfind('.') + 1); }

/// As faulthandler writes it.
std::string Escaped(const std::string& text) {
  std::string escaped;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text.substr(at, 2) == "ö") {
      escaped += "\\xf6";
      ++at;
    } else {
      escaped += text[at];
    }
  }
  return escaped;
}

TEST_P(OfInterpreter, AreThoseOfFaulthandlerFrameByFrame) {
  const Waiting program(GetParam(), "many");
  ASSERT_TRUE(program.Ready()) << GetParam().program << " (tests/cluster/tools.sh pythons brings it)";
  const SeenProcess seen = See(StatOf(program.Pid()), 1024);
  ASSERT_EQ(seen.problem, "");
  ProcessMemory memory(seen.memory);
  const auto runtime = FindPython(memory, ReadMaps(program.Pid()));
  ASSERT_TRUE(runtime && runtime->layout);
  EXPECT_THAT(runtime->version.Text(), testing::StartsWith(GetParam().version));
  std::vector<KernelThread> kernel;
  for (const SeenThread& thread : seen.threads) kernel.push_back({thread.inner_id, FutexOf(thread)});
  const PythonReader reader(memory, *runtime, kernel);
  EXPECT_EQ(reader.Unreadable(), 0U);
  for (const SeenThread& thread : seen.threads) EXPECT_TRUE(HasNotRun(program.Pid(), thread));
  const auto dump = program.Dump();
  EXPECT_EQ(dump.size(), 21U);
  std::map<uint64_t, std::vector<std::string>> read;
  size_t frames = 0;
  for (const PythonThread& thread : reader.Threads()) {
    for (const PythonFrame& frame : thread.frames) {
      const PythonCode& code = reader.CodeOf(frame);
      read[thread.ident].push_back(Escaped(code.file) + ":" + std::to_string(frame.line) + " " +
                                   Unqualified(code.function));
      ++frames;
    }
  }
  EXPECT_EQ(read, dump);
  EXPECT_GT(frames, 120U);
  // Of a reading of 3 microseconds each, 20 milliseconds
  EXPECT_LT(memory.Reads(), 4000U);
}

/// Read as any other version, an interpreter gives nothing, or is at least not called complete. (Up to 3.10
/// they are alike, and only their names keep them apart.)
TEST_P(OfInterpreter, AreNoneWhereTheyAreReadAsAnotherVersion) {
  const Waiting program(GetParam(), "many");
  ASSERT_TRUE(program.Ready());
  const SeenProcess seen = See(StatOf(program.Pid()), 1024);
  ProcessMemory memory(seen.memory);
  const auto runtime = FindPython(memory, ReadMaps(program.Pid()));
  ASSERT_TRUE(runtime);
  std::vector<KernelThread> kernel;
  for (const SeenThread& thread : seen.threads) kernel.push_back({thread.inner_id, FutexOf(thread)});
  for (unsigned minor = 8; minor <= 12; ++minor) {
    if (minor == runtime->version.minor || (minor <= 10 && runtime->version.minor <= 10)) continue;
    PythonRuntime wrong = *runtime;
    wrong.version.minor = minor;
    wrong.layout = LayoutOf(wrong.version, 0, memory, wrong.address);
    ASSERT_TRUE(wrong.layout);
    const PythonReader reader(memory, wrong, kernel);
    for (const PythonThread& thread : reader.Threads()) {
      EXPECT_EQ(thread.frames.size(), 0U) << "3." << minor;
    }
  }
}

/// The evidence of such a program, once it has been found hung.
json EvidenceOf(const Interpreter& interpreter, const std::string& name,
                std::vector<std::string> options = {}) {
  options.insert(options.end(), {"--idle-after", "1s", "--sample-every", "100ms", "--grace", "300ms"});
  Supervised run(options, Shell("(until [ -e stuck ]; do echo starting; sleep 0.1; done) & exec " +
                                std::string(interpreter.program) + " -B " WAITING " " + name));
  EXPECT_TRUE(Await([&] { return run.Hung(); })) << run.Errors();
  const json state = run.State();
  // The same in the line of the log, from which the controller has it.
  const auto lines = OwnLines(run.Errors());
  EXPECT_EQ(lines.size(), 1U);
  if (!lines.empty()) {
    EXPECT_EQ(lines.front()["evidence"].value("stacks", json()), state["evidence"].value("stacks", json()));
  }
  return state["evidence"];
}

/// What the threads wait for, a line for each entry: "PROCESSES THREAD at ... for ...".
std::string Words(const json& evidence) {
  std::string words;
  for (const json& group : evidence.value("stacks", json::array())) {
    for (const json& thread : group["threads"]) {
      words += std::to_string(group["pids"].size()) + " " + thread["thread"].get<std::string>() + " at " +
               thread.value("at", "") + " for " + thread.value("waitsFor", "") + "\n";
    }
  }
  return words;
}

TEST_P(OfInterpreter, SayWhoHoldsTheLock) {
  const std::string crosswise = Words(EvidenceOf(GetParam(), "crosswise"));
  EXPECT_THAT(crosswise, HasSubstr("transfer `with other:`"));
  if (GetParam().names_holders) {
    EXPECT_THAT(crosswise, HasSubstr("for a Lock held by thread "));
    EXPECT_THAT(crosswise, HasSubstr(" in a with statement: "));
  } else {
    EXPECT_THAT(crosswise, HasSubstr("1 2 threads at "));
    EXPECT_THAT(crosswise, HasSubstr("for a Lock (it keeps no owner)"));
  }
}

TEST_P(OfInterpreter, SayWhoHoldsTheRLock) {
  const std::string words = Words(EvidenceOf(GetParam(), "reentrant"));
  EXPECT_THAT(words, HasSubstr("1 main at "));
  EXPECT_THAT(words, HasSubstr("for an RLock held by thread "));
  EXPECT_THAT(words, HasSubstr("waiting.py:"));
  EXPECT_THAT(words, HasSubstr("keeper\n"));
}

TEST_P(OfInterpreter, SayThatALockWasCopiedThroughAFork) {
  const std::string lock = Words(EvidenceOf(GetParam(), "forked_lock"));
  EXPECT_THAT(lock, HasSubstr("for a Lock that is locked, and no other thread is left in this process to "
                              "unlock it: copied, locked, through fork"));
  const std::string original = "its original is held by thread ";
  EXPECT_EQ(lock.find(original) != std::string::npos, GetParam().names_holders) << lock;
  const std::string rlock = Words(EvidenceOf(GetParam(), "forked_rlock"));
  EXPECT_THAT(rlock,
              HasSubstr("for an RLock copied, locked, through fork: no thread of this process holds it; " +
                        original));
  EXPECT_THAT(rlock, HasSubstr("slow_write\n"));
}

TEST_P(OfInterpreter, BlameNoForkForALockThatAThreadTookTwice) {
  const std::string words = Words(EvidenceOf(GetParam(), "own_lock"));
  EXPECT_THAT(words, HasSubstr(GetParam().names_holders ? "for a Lock held by this thread itself"
                                                        : "no other thread is left in this process"));
  EXPECT_THAT(words, Not(HasSubstr("fork")));
}

TEST_P(OfInterpreter, SayWhoHoldsAMutexOfTheCLibrary) {
  const std::string own = Words(EvidenceOf(GetParam(), "mutex"));
  EXPECT_THAT(own, HasSubstr("for a mutex held by thread "));
  EXPECT_THAT(own, HasSubstr("keeper\n"));
  EXPECT_THAT(Words(EvidenceOf(GetParam(), "forked_mutex")),
              HasSubstr("for a mutex copied, locked, through fork: no thread of this process holds it; its "
                        "original was locked by thread "));
}

TEST_P(OfInterpreter, EndWhereAWorkerWasForked) {
  const std::string words = Words(EvidenceOf(GetParam(), "queue_of_nobody"));
  EXPECT_THAT(words, HasSubstr("2 main at multiprocessing/synchronize.py:"));
  EXPECT_THAT(words, HasSubstr(" <~ (forked) for \n"));
  EXPECT_THAT(words, HasSubstr("queue_of_nobody `worker.join()`"));
}

TEST(Stacks, HideSecretsInTheSource) {
  const std::string words = Words(EvidenceOf(kInterpreters[1], "secret_line"));
  EXPECT_THAT(words, HasSubstr("secret_line `password = "));
  EXPECT_THAT(words, Not(HasSubstr("hunter2")));
}

TEST(Stacks, OfAThousandThreadsAreOneLine) {
  const json evidence = EvidenceOf(kInterpreters[1], "thousand");
  EXPECT_THAT(Words(evidence), HasSubstr("1 999 threads at threading.py:"));
  EXPECT_LE(evidence.dump().size(), 8192U);
}

TEST(Stacks, OfAVersionThatIsNotKnownAreNotRead) {
  // Named like an interpreter, it is one for all that can be seen.
  Supervised run({"--idle-after", "1s", "--sample-every", "100ms", "--grace", "300ms"},
                 Shell("cp /bin/sleep python2.7 && exec ./python2.7 1000"));
  ASSERT_TRUE(Await([&] { return run.Hung(); })) << run.Errors();
  const json evidence = run.State()["evidence"];
  EXPECT_FALSE(evidence.contains("stacks"));
  EXPECT_THAT(evidence["stacksNotRead"].dump(), HasSubstr("a Python whose version is not known here"));
}

TEST(Stacks, OfAnInterpreterThatMisleadsAreNone) {
  const json evidence = EvidenceOf(kInterpreters[1], "crafted");
  EXPECT_FALSE(evidence.contains("stacks"));
  EXPECT_THAT(evidence["stacksNotRead"].dump(), HasSubstr("its threads are not as they must be"));
}

TEST(Stacks, AreReadInAPidNamespaceBelow) {
  if (std::system("unshare --pid --fork --mount-proc true > /dev/null 2>&1") != 0) {
    GTEST_SKIP() << "no right to make namespaces";
  }
  constexpr Interpreter kBelow = {"Below", "unshare --pid --fork --mount-proc /usr/bin/python3", "3.11.",
                                  true};
  EXPECT_THAT(Words(EvidenceOf(kBelow, "reentrant")), HasSubstr("for an RLock held by thread "));
  EXPECT_THAT(Words(EvidenceOf(kBelow, "forked_rlock")), HasSubstr("; its original is held by thread "));
}

/// Without a capability, and not as root, as in a Pod; beside a process that lets nobody read it.
TEST(Stacks, NeedNoRight) {
  if (geteuid() != 0) GTEST_SKIP() << "it gives up root's rights, which it has not";
  const Scratch place;
  std::filesystem::permissions(place.Path(), std::filesystem::perms::all);
  std::filesystem::copy(RUNNER_BINARY, place / "runner");
  std::filesystem::copy(WAITING, place / "waiting.py");
  const std::string runner =
      "./runner --idle-after 1s --sample-every 100ms --grace 300ms --on-hang fail --state state "
      "--result result -- sh -c '(until [ -e stuck ]; do echo starting; sleep 0.1; done) & exec "
      "/usr/bin/python3 -B waiting.py not_dumpable'";
  Supervised run({"--deadlock-after", "0", "--idle-after", "0"},
                 Shell("cd " + place.Path().string() +
                       " && exec setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all "
                       "--inh-caps=-all --no-new-privs " +
                       runner));
  EXPECT_EQ(run.Wait(), 124) << run.Errors();
  const json result = json::parse(Content(place / "result"), nullptr, false);
  ASSERT_TRUE(result.is_object()) << run.Errors();
  EXPECT_THAT(Words(result["evidence"]), HasSubstr("not_dumpable `os.waitpid(child, 0)`"));
  EXPECT_THAT(result["evidence"]["stacksNotRead"].dump(),
              HasSubstr("its memory cannot be read: Permission denied"));
}

}  // namespace
}  // namespace imagebatch::runner
