// What the kernel's texts say of sockets and stops, and the sentences that are made of waits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "runner/awaited/sentences.h"
#include "runner/awaited/socket_names.h"
#include "runner/awaited/thread_look.h"
#include "runner/report/repeat_words.h"

namespace imagebatch::runner {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kTcp =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 501 1 ffff "
    "100 0\n"
    "   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 502 1 ffff "
    "20 4\n"
    "   2: 0100007F:C350 0100007F:1F90 08 00000000:00000000 00:00000000 00000000     0        0 503 1 ffff "
    "20 4\n"
    "   3: 0A00";

TEST(InetTable, NamesASocketAndItsOtherEnd) {
  const auto row = FindInode(kTcp, 503);
  ASSERT_TRUE(row);
  EXPECT_EQ(AddressOf(row->local), "127.0.0.1:50000");
  EXPECT_EQ(AddressOf(row->remote), "127.0.0.1:8080");
  EXPECT_EQ(row->state, 8U);
  const auto other = FindOtherEnd(kTcp, *row);
  ASSERT_TRUE(other);
  EXPECT_EQ(other->inode, 502U);
  EXPECT_FALSE(FindInode(kTcp, 504));
  EXPECT_FALSE(FindInode("", 1));
}

TEST(InetTable, WritesAddressesAsPeopleDo) {
  EXPECT_EQ(AddressOf("0500000A:01BB"), "10.0.0.5:443");
  EXPECT_EQ(AddressOf("00000000000000000000000001000000:0050"), "[::1]:80");
  EXPECT_EQ(AddressOf("0000000000000000FFFF00000500000A:01BB"), "10.0.0.5:443") << "IPv4 in IPv6";
  for (const char* text :
       {"", ":", "0500000A", "0500000A:", "05:01BB", "xxxxxxxx:01BB", "0500000A0500000A:01BB"})
    EXPECT_EQ(AddressOf(text), "") << text;
}

TEST(UnixTable, NamesTheSocketsThatHaveAPath) {
  constexpr std::string_view kUnix =
      "Num       RefCount Protocol Flags    Type St Inode Path\n"
      "0000000000000000: 00000002 00000000 00010000 0001 01  7001 /run/buildkit/buildkitd.sock\n"
      "0000000000000000: 00000003 00000000 00000000 0001 03  7002\n";
  EXPECT_EQ(UnixPath(kUnix, 7001), "/run/buildkit/buildkitd.sock");
  EXPECT_EQ(UnixPath(kUnix, 7002), "");
  EXPECT_EQ(UnixPath(kUnix, 7003), std::nullopt);
}

TEST(StopSignal, StandsInFieldFiftyTwo) {
  const auto stat = [](const std::string& name, const std::string& exit_code) {
    std::string text = "12 (" + name + ") T";
    for (int field = 4; field < 52; ++field) text += " 7";
    return text + " " + exit_code + "\n";
  };
  EXPECT_EQ(StopSignal(stat("sh", "22")), SIGTTOU);
  EXPECT_EQ(StopSignal(stat("a) T 1", "19")), SIGSTOP);
  EXPECT_EQ(StopSignal(stat("sh", "0")), 0);
  EXPECT_EQ(StopSignal(stat("sh", "-1")), 0);
  EXPECT_EQ(StopSignal(stat("sh", "256")), 0);
  EXPECT_EQ(StopSignal("12 (sh) T 1 2 3"), 0);
  EXPECT_EQ(StopSignal(""), 0);
}

TEST(ThreadName, IsTheFirstLineOfItsStatus) {
  EXPECT_EQ(NameOf("Name:\tGC Thread#0\nUmask:\t0022\n"), "GC Thread#0");
  EXPECT_EQ(NameOf("Umask:\t0022\n"), "");
  EXPECT_EQ(NameOf(""), "");
}

ProcessWait Process(pid_t pid, const std::string& command, const std::string& does, Explains explains,
                    std::optional<hang::Duration> stood = {}) {
  return {.pid = pid,
          .command = command,
          .threads = {{.name = {}, .does = does, .explains = explains, .stood = stood}},
          .more_threads = 0};
}

TEST(WaitSentences, SayOnceWhatIsAlike) {
  const std::string lock = "waits for a Lock held by thread 3";
  const WaitList list =
      WaitSentences({Process(1, "/bin/sh -c x", "waits for the end of its child pid 2 (python3)",
                             Explains::Tree, seconds(9)),
                     Process(4, "python3 pool.py", lock, Explains::OwnedLock, seconds(150)),
                     Process(5, "python3 pool.py", lock, Explains::OwnedLock, seconds(140)),
                     Process(6, "python3 /srv/pool.py", lock, Explains::OwnedLock, seconds(160))},
                    false);
  EXPECT_THAT(
      list.sentences,
      ElementsAre("3 processes alike (pids 4, 5, 6) python3 pool.py: each " + lock + ", for at least 140 s",
                  "pid 1 sh -c x: waits for the end of its child pid 2 (python3), for at least 9 s"));
  EXPECT_EQ(list.clause, "each of 3 processes (python3 pool.py) " + lock + ", for at least 150 s");
}

TEST(WaitSentences, NameTheThreadsOfAProcess) {
  ProcessWait java{.pid = 9, .command = "java -jar app.jar", .threads = {}, .more_threads = 3};
  java.threads.push_back({"", "waits for the end of thread 10", Explains::Lock, seconds(5)});
  for (const char* name : {"GC Thread#0", "GC Thread#1", "G1 Conc#0", "C2 CompilerThre"})
    java.threads.push_back({name, "waits for a lock", Explains::Lock, seconds(5)});
  java.threads.push_back(
      {"http-1", "waits for data from TCP 10.0.0.5:443 (established)", Explains::Socket, {}});
  const WaitList list = WaitSentences({java}, false);
  EXPECT_THAT(
      list.sentences,
      ElementsAre("pid 9 java -jar app.jar: 1 thread (http-1) waits for data from TCP 10.0.0.5:443 "
                  "(established); the main thread waits for the end of thread 10; each of 4 threads (GC "
                  "Thread#0, GC Thread#1, G1 Conc#0, ...) waits for a lock; 3 more threads"));
  EXPECT_EQ(list.clause, "pid 9 (java -jar app.jar) waits for data from TCP 10.0.0.5:443 (established)");
}

TEST(WaitSentences, BeginWithWhoRunsWhereTheBuildIsBusy) {
  const std::vector<ProcessWait> processes = {Process(1, "cc1", "runs", Explains::Runs),
                                              Process(2, "tail", "waits for data from x", Explains::Socket)};
  EXPECT_EQ(WaitSentences(processes, true).clause, "pid 1 (cc1) runs");
  EXPECT_EQ(WaitSentences(processes, false).clause, "pid 2 (tail) waits for data from x");
  EXPECT_EQ(WaitSentences({processes[0]}, false).clause, "") << "it explains no silence";
}

TEST(WaitSentences, AreBoundedAndPrintable) {
  std::vector<ProcessWait> processes;
  for (int pid = 0; pid < 400; ++pid) {
    processes.push_back(Process(pid, "\033[31m" + std::string(300, 'x') + std::to_string(pid),
                                "waits for \n\xFF" + std::string(400, 'y'), Explains::Pipe,
                                seconds(1 << 30)));
  }
  const WaitList list = WaitSentences(processes, false);
  EXPECT_EQ(list.sentences.size(), kMostWaits);
  for (const std::string& sentence : list.sentences) {
    EXPECT_LE(sentence.size(), kWaitSentenceBytes);
    EXPECT_EQ(sentence.find_first_of("\033\n\xFF"), std::string::npos);
  }
  EXPECT_LE(list.clause.size(), kWaitClauseBytes);
  EXPECT_THAT(WaitSentences({}, true).sentences, IsEmpty());
  ProcessWait gone;
  EXPECT_THAT(WaitSentences({gone}, true).sentences, IsEmpty());
}

std::string Clock(hang::TimePoint) { return "2026-11-28T12:03:10.123Z"; }

TEST(RepeatWords, QuoteTheLineWithoutEscapesAndSecrets) {
  hang::Repeats repeats;
  const hang::TimePoint start{seconds(100)};
  for (int round = 0; round < 312; ++round) {
    repeats.Add(1, "  waiting for \033[1mlock\033[0m\a --token abcdef", start);
    if (round % 2 == 0) repeats.Add(2, "no answer", start);
  }
  repeats.Add(3, "once", start);
  const RepeatList list = RepeatWords(repeats.Since(start), Clock);
  EXPECT_THAT(list.sentences,
              ElementsAre("the line \"waiting for lock? --token ***\" came 312 times since 12:03:10 UTC",
                          "the line \"no answer\" came 156 times since 12:03:10 UTC"));
  EXPECT_EQ(
      list.clause,
      "the line \"waiting for lock? --token ***\" came 312 times since 12:03:10 UTC, in a cycle of 2 lines");
  EXPECT_EQ(RepeatWords({}, Clock).clause, "");
}

TEST(RepeatWords, AreBounded) {
  hang::Repeats repeats;
  const hang::TimePoint start{seconds(100)};
  for (int round = 0; round < 3; ++round) {
    for (uint64_t line = 0; line < 100; ++line) repeats.Add(line, std::string(4000, '\x01'), start);
  }
  const hang::Repeats::Cycle cycle = repeats.Since(start);
  EXPECT_TRUE(cycle.at_least || cycle.lines.empty());
  for (uint64_t line = 0; line < hang::Repeats::kLines; ++line)
    repeats.Add(line, std::string(4000, 'x'), start);
  for (uint64_t line = 0; line < hang::Repeats::kLines; ++line)
    repeats.Add(line, std::string(4000, 'x'), start);
  const RepeatList list = RepeatWords(repeats.Since(start), Clock);
  EXPECT_EQ(list.sentences.size(), kMostRepeats);
  for (const std::string& sentence : list.sentences) EXPECT_LE(sentence.size(), kRepeatBytes);
  EXPECT_LE(list.clause.size(), kRepeatClauseBytes);
  EXPECT_THAT(list.clause, testing::HasSubstr("came at least "));
}

}  // namespace
}  // namespace imagebatch::runner
