#include "runner/report/report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "contract/contract.h"
#include "runner/report/json.h"

namespace imagebatch::runner {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

const hang::TimePoint kStart{seconds(1000)};

Snapshot Fine() {
  Snapshot snapshot;
  // 2026-01-02T03:04:05.006Z
  snapshot.clock = {kStart, std::chrono::system_clock::time_point(milliseconds(1767323045006))};
  snapshot.now = kStart + seconds(60);
  snapshot.verdict = {std::nullopt, kStart};
  for (auto& signal : snapshot.progress.signals) signal = {true, kStart + seconds(10)};
  return snapshot;
}

Snapshot Hung(const Evidence& evidence) {
  Snapshot snapshot = Fine();
  snapshot.verdict = {hang::Finding{hang::Class::Idle, "NoActivity", "for 50 s nothing"},
                      kStart + seconds(60)};
  snapshot.phase = "[2/5] RUN make";
  snapshot.evidence = &evidence;
  return snapshot;
}

Evidence SmallEvidence() {
  Evidence evidence;
  ProcessEvidence process;
  process.pid = 12;
  process.parent = 7;
  process.state = 'S';
  process.threads = 3;
  process.cpu_seconds = 1.25;
  process.wchan = "futex_do_wait";
  process.system_call = "futex";
  process.other_threads = {{"futex", 1}, {"poll", 1}};
  process.command = "python3 pool.py";
  evidence.processes = {process};
  evidence.connections = 2;
  evidence.output = {"last line"};
  return evidence;
}

/// As much of everything as can be collected, and all of it hard to write.
Evidence HugeEvidence(unsigned seed) {
  std::mt19937 random(seed);
  const auto bytes = [&random](size_t size) {
    std::string text(size, '\0');
    for (char& byte : text) byte = static_cast<char>(random() & 0xFF);
    return text;
  };
  Evidence evidence;
  for (int index = 0; index < 64; ++index) {
    ProcessEvidence process;
    process.pid = 4'000'000 + index;
    process.state = static_cast<char>(random() & 0xFF);
    process.wchan = bytes(100);
    process.system_call = bytes(100);
    for (int call = 0; call < 20; ++call) process.other_threads["call" + std::to_string(call)] = 1;
    process.command = bytes(512);
    evidence.processes.push_back(process);
  }
  for (int index = 0; index < 24; ++index) {
    StackGroup group{
        .pids = std::vector<pid_t>(200, 4'000'000), .python = bytes(30), .threads = {}, .more_threads = 9};
    for (int thread = 0; thread < 16; ++thread) {
      group.threads.push_back({bytes(40), bytes(kStackBytes), bytes(kWaitBytes)});
    }
    evidence.stacks.groups.push_back(group);
    evidence.stacks.not_read.push_back(bytes(kNotReadBytes));
  }
  evidence.fingerprint = "0123456789ab";
  evidence.summary = std::string(contract::kSummaryBytes, 's');
  evidence.waits.sentences.assign(kMostWaits, bytes(kWaitSentenceBytes));
  evidence.repeats.sentences.assign(kMostRepeats, bytes(kRepeatBytes));
  evidence.more_processes = 10'000;
  for (int index = 0; index < 20; ++index) evidence.output.push_back(bytes(201));
  return evidence;
}

TEST(State, OfABuildThatProgresses) {
  const json state = json::parse(RenderState(Fine()));
  EXPECT_EQ(state["verdict"], "Progressing");
  EXPECT_TRUE(state["class"].is_null());
  EXPECT_TRUE(state["reason"].is_null());
  EXPECT_TRUE(state["message"].is_null());
  EXPECT_TRUE(state["phase"].is_null());
  EXPECT_EQ(state["since"], "2026-01-02T03:04:05.006Z");
  EXPECT_EQ(state["lastProgress"], "2026-01-02T03:04:15.006Z");
  EXPECT_EQ(state["evidence"]["quietSeconds"]["cpu"], 50);
}

TEST(State, OfAHungBuild) {
  const Evidence evidence = SmallEvidence();
  const json state = json::parse(RenderState(Hung(evidence)));
  EXPECT_EQ(state["verdict"], "Hung");
  EXPECT_EQ(state["class"], "Idle");
  EXPECT_EQ(state["reason"], "NoActivity");
  EXPECT_EQ(state["message"], "for 50 s nothing");
  EXPECT_EQ(state["phase"], "[2/5] RUN make");
  EXPECT_EQ(state["since"], "2026-01-02T03:05:05.006Z");
  const json expected = {{"pid", 12},
                         {"ppid", 7},
                         {"state", "S"},
                         {"wchan", "futex_do_wait"},
                         {"syscall", "futex"},
                         {"threads", 3},
                         {"otherThreads", {{"futex", 1}, {"poll", 1}}},
                         {"cpuSeconds", 1.25},
                         {"command", "python3 pool.py"}};
  EXPECT_EQ(state["evidence"]["processes"], json::array({expected}));
  EXPECT_EQ(state["evidence"]["connections"], 2);
  EXPECT_EQ(state["evidence"]["output"], json::array({"last line"}));
}

TEST(State, ShowsTheStacksOfTheYoungestAndSaysWhatItLeavesOut) {
  Evidence evidence = SmallEvidence();
  for (int pid = 1; pid <= 20; ++pid) {
    evidence.stacks.groups.push_back(
        {.pids = {pid, 100 + pid},
         .python = "3.9",
         .threads = {{"main", std::string(500, 'x'), ""}, {"thread 7", "", "a mutex"}},
         .more_threads = 0});
  }
  const std::string text = RenderState(Hung(evidence));
  EXPECT_LE(text.size(), kStateBytes);
  const json shown = json::parse(text)["evidence"];
  const json& stacks = shown["stacks"];
  ASSERT_GE(stacks.size(), 4U);
  EXPECT_EQ(stacks.back()["pids"], json({20, 120}));
  EXPECT_EQ(stacks.back()["threads"][1], json({{"thread", "thread 7"}, {"waitsFor", "a mutex"}}));
  EXPECT_EQ(shown["moreStacks"], 2 * (20 - stacks.size()));
}

TEST(State, LeavesOutSignalsThatAreNotWatched) {
  Snapshot snapshot = Fine();
  snapshot.progress.signals[static_cast<size_t>(hang::Signal::Network)].watched = false;
  const json quiet = json::parse(RenderState(snapshot))["evidence"]["quietSeconds"];
  EXPECT_FALSE(quiet.contains("network"));
  EXPECT_TRUE(quiet.contains("io"));
}

TEST(Result, HoldsTheAccount) {
  Outcome outcome;
  outcome.exit_code = 137;
  outcome.signal = "SIGKILL";
  outcome.longest_silence_seconds = 12.5;
  outcome.peak_resident_bytes = 123456789;
  outcome.cpu_seconds = 3.25;
  outcome.output_bytes = 5'000'000'000;
  outcome.phases = {{"[1/2] RUN a", 1.5}, {"[2/2] RUN b", 2.25}};
  const json result = json::parse(RenderResult(Fine(), outcome, "", contract::kMostResultBytes));
  EXPECT_EQ(result["exitCode"], 137);
  EXPECT_EQ(result["signal"], "SIGKILL");
  EXPECT_EQ(result["verdict"], "Progressing");
  EXPECT_TRUE(result["class"].is_null());
  EXPECT_FALSE(result.contains("marker"));
  EXPECT_EQ(result["since"], "2026-01-02T03:04:05.006Z");
  EXPECT_EQ(result["startedAt"], "2026-01-02T03:04:05.006Z");
  EXPECT_EQ(result["finishedAt"], "2026-01-02T03:05:05.006Z");
  EXPECT_EQ(result["longestSilenceSeconds"], 12.5);
  EXPECT_EQ(result["peakRssBytes"], 123456789);
  EXPECT_EQ(result["cpuSeconds"], 3.25);
  EXPECT_EQ(result["outputBytes"], 5'000'000'000);
  EXPECT_EQ(result["phases"][1], json({{"name", "[2/2] RUN b"}, {"seconds", 2.25}}));
}

TEST(Result, IsValidAndFitsWhateverItHolds) {
  for (unsigned seed = 0; seed < 40; ++seed) {
    Evidence evidence = HugeEvidence(seed);
    for (const ProcessEvidence& process : evidence.processes) evidence.deadlock.push_back(process.command);
    Snapshot snapshot = Hung(evidence);
    snapshot.verdict.finding->message = std::string(5000, '\x01');
    snapshot.phase = evidence.processes[0].command;
    Outcome outcome;
    outcome.exit_code = 124;
    for (size_t index = 0; index < 64; ++index) {
      outcome.phases.push_back(
          {evidence.processes[index].command.substr(0, 120), 1.0 / static_cast<double>(index)});
    }
    const std::string result = RenderResult(snapshot, outcome, "s3cr3t", contract::kMostResultBytes);
    ASSERT_LE(result.size(), contract::kMostResultBytes);
    const json parsed = json::parse(result);
    EXPECT_EQ(parsed["exitCode"], 124);
    EXPECT_GT(parsed["evidence"]["olderProcesses"], 0);
    ASSERT_LE(RenderState(snapshot).size(), kStateBytes);
    ASSERT_TRUE(json::accept(RenderState(snapshot)));
    const std::string line = RenderLogLine(snapshot, std::string(1000, '"'));
    ASSERT_LE(line.size(), kLogLineBytes);
    ASSERT_TRUE(json::accept(line));
    ASSERT_EQ(line.find('\n'), std::string::npos);
  }
}

/// As hard to write as can be.
std::string HugeResult(size_t limit) {
  Evidence evidence = HugeEvidence(5);
  for (const ProcessEvidence& process : evidence.processes) evidence.deadlock.push_back(process.command);
  Snapshot snapshot = Hung(evidence);
  snapshot.verdict.finding =
      hang::Finding{hang::Class::Deadlock, "DeadlineExceeded", std::string(900, '\x01')};
  Outcome outcome;
  outcome.exit_code = 124;
  outcome.signal = "SIGVTALRM";
  outcome.peak_resident_bytes = outcome.output_bytes = 900'000'000'000'000;
  for (int index = 0; index < 64; ++index) outcome.phases.push_back({std::string(120, '"'), 1e6});
  for (int round = 0; round < 100; ++round) {
    for (hang::Class hang_class : hang::kAllClasses) {
      outcome.verdicts.Add({hang::Finding{hang_class, "", ""}, kStart + seconds(round)});
    }
  }
  return RenderResult(snapshot, outcome, std::string(128, 'm'), limit);
}

TEST(Result, FitsWhatTheKubeletKeepsOfIt) {
  size_t before = 0;
  for (size_t limit = contract::kLeastResultBytes; limit <= contract::kMostResultBytes; limit += 16) {
    const std::string result = HugeResult(limit);
    ASSERT_LE(result.size(), limit);
    ASSERT_GE(result.size(), before) << "more room, more of it";
    before = result.size();
    const json parsed = json::parse(result);
    EXPECT_EQ(parsed["class"], "Deadlock");
    EXPECT_EQ(parsed["exitCode"], 124);
    EXPECT_EQ(parsed["marker"], std::string(128, 'm'));
  }
}

TEST(Result, BeginsWithTheVerdictSoThatACutLeavesIt) {
  for (size_t limit : {contract::kLeastResultBytes, contract::kMostResultBytes}) {
    EXPECT_EQ(HugeResult(limit).find(
                  R"({"verdict":"Hung","class":"Deadlock","since":"2026-01-02T03:05:05.006Z","marker":"mmm)"),
              0U);
  }
}

TEST(Result, HasAllVerdictsOfTheAttempt) {
  Outcome outcome;
  const auto hung = [](hang::Class hang_class, int second) {
    return hang::Verdict{hang::Finding{hang_class, "", ""}, kStart + seconds(second)};
  };
  outcome.verdicts.Add(hung(hang::Class::Idle, 1));
  outcome.verdicts.Add({std::nullopt, kStart + seconds(2)});
  outcome.verdicts.Add(hung(hang::Class::Idle, 3));
  outcome.verdicts.Add(hung(hang::Class::Looping, 4));
  const json result = json::parse(RenderResult(Fine(), outcome, "", contract::kMostResultBytes));
  EXPECT_EQ(result["verdictCounts"], json({{"Idle", 2}, {"Looping", 1}}));
  const json expected = {
      {{"class", "Idle"}, {"since", "2026-01-02T03:04:06.006Z"}, {"until", "2026-01-02T03:04:07.006Z"}},
      {{"class", "Idle"}, {"since", "2026-01-02T03:04:08.006Z"}, {"until", "2026-01-02T03:04:09.006Z"}},
      {{"class", "Looping"}, {"since", "2026-01-02T03:04:09.006Z"}}};
  EXPECT_EQ(result["verdicts"], expected);
  const json none = json::parse(RenderResult(Fine(), Outcome(), "", contract::kMostResultBytes));
  EXPECT_EQ(none["verdictCounts"], json::object());
  EXPECT_EQ(none["verdicts"], json::array());
}

TEST(Result, KeepsAsMuchAsFits) {
  const Evidence evidence = HugeEvidence(1);
  EXPECT_GT(RenderState(Hung(evidence)).size(), kStateBytes / 2);
}

TEST(Result, TheProofOfADeadlockIsCutLast) {
  Evidence evidence = HugeEvidence(2);
  for (int pid = 0; pid < 16; ++pid) {
    evidence.deadlock.push_back("pid " + std::to_string(pid) + std::string(300, ' ') + "end");
  }
  const json result = json::parse(RenderResult(Hung(evidence), Outcome(), "", contract::kMostResultBytes));
  const json& sentences = result["evidence"]["deadlock"];
  ASSERT_GE(sentences.size(), 6U);
  EXPECT_TRUE(sentences[5].get<std::string>().ends_with("end")) << "whole";
  Evidence small = SmallEvidence();
  small.deadlock = evidence.deadlock;
  EXPECT_EQ(json::parse(RenderState(Hung(small)))["evidence"]["deadlock"].size(), 16U);
  EXPECT_FALSE(json::parse(RenderState(Hung(HugeEvidence(2))))["evidence"].contains("deadlock"));
}

TEST(Result, ThePhasesThatStayAreTheLongest) {
  Outcome outcome;
  for (int index = 0; index < 60; ++index) {
    outcome.phases.push_back(
        {"phase " + std::to_string(index) + std::string(90, '.'), index % 7 == 0 ? 100.0 : 1.0});
  }
  const json result = json::parse(RenderResult(Fine(), outcome, "", contract::kMostResultBytes));
  int longest = 0;
  for (const json& phase : result["phases"]) longest += phase["seconds"] == 100 ? 1 : 0;
  EXPECT_EQ(longest, 9);
  EXPECT_EQ(result["phases"][0]["name"].get<std::string>().substr(0, 8), "phase 0.");
}

TEST(LogLine, CarriesTheMarkerAndTheChange) {
  const Evidence evidence = SmallEvidence();
  const json hung = json::parse(RenderLogLine(Hung(evidence), "s3cret"));
  EXPECT_EQ(hung["imagebatch"], "evidence");
  EXPECT_EQ(hung["marker"], "s3cret");
  EXPECT_EQ(hung["verdict"], "Hung");
  EXPECT_EQ(hung["evidence"]["processes"].size(), 1U);
  const json fine = json::parse(RenderLogLine(Fine(), ""));
  EXPECT_EQ(fine["imagebatch"], "verdict");
  EXPECT_EQ(fine["verdict"], "Progressing");
  EXPECT_FALSE(fine.contains("marker"));
  EXPECT_FALSE(fine.contains("evidence"));
}

TEST(StateHead, IsTheStateWithoutItsEvidence) {
  const Evidence evidence = HugeEvidence(3);
  Snapshot snapshot = Hung(evidence);
  snapshot.phase = ",\"evidence\":{";
  const std::string state = RenderState(snapshot);
  EXPECT_TRUE(SaysHung(state));
  const auto head = StateHead(state);
  ASSERT_TRUE(head);
  EXPECT_LE(head->size(), kProbeBytes);
  const json parsed = json::parse(*head);
  EXPECT_EQ(parsed["class"], "Idle");
  EXPECT_EQ(parsed["phase"], ",\"evidence\":{");
  EXPECT_FALSE(parsed.contains("evidence"));
  EXPECT_FALSE(SaysHung(RenderState(Fine())));
}

TEST(StateHead, RefusesWhatIsNoState) {
  EXPECT_FALSE(StateHead(""));
  EXPECT_FALSE(StateHead("{\"verdict\":\"Hung\","));
  EXPECT_FALSE(StateHead("{}"));
  EXPECT_FALSE(StateHead("{\"verdict\":\"Hung\"," + std::string(2000, 'x') + ",\"evidence\":{}}"));
}

std::string Written(std::string_view text, size_t limit) {
  JsonWriter writer;
  writer.String(text, limit);
  return writer.Text();
}

TEST(JsonWriter, EscapesAndReplaces) {
  EXPECT_EQ(Written("a\"b\\c\n\t\x01\x7f", 100), R"("a\"b\\c\n\t\u0001\u007f")");
  EXPECT_EQ(Written("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80", 100),
            "\"gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80\"");
  // Cut short, overlong, a surrogate, beyond the last code point, a lone continuation.
  for (std::string_view broken :
       {"\xC3", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80", "\xFF", "\xE2\x82"}) {
    const json parsed = json::parse(Written(broken, 100));
    EXPECT_EQ(parsed.get<std::string>().substr(0, 3), "\xEF\xBF\xBD");
  }
}

TEST(JsonWriter, CutsBetweenCharacters) {
  EXPECT_EQ(Written("abcdefghij", 10), "\"abcdefghij\"");
  EXPECT_EQ(Written("abcdefghijk", 10), "\"abcdefg...\"");
  EXPECT_EQ(Written("\x01\x01\x01", 10), R"("\u0001...")");
  EXPECT_EQ(Written("abcdef\xE2\x82\xACxyz", 10), "\"abcdef...\"");
  EXPECT_EQ(Written("abc", 0), "\"\"");
}

TEST(JsonWriter, WritesNumbersShort) {
  JsonWriter writer;
  writer.BeginArray().Decimal(1.0).Decimal(0.1239).Decimal(-0.0001).Decimal(1.0 / 0.0).Integer(-5).EndArray();
  EXPECT_EQ(writer.Text(), "[1,0.124,0,null,-5]");
}

}  // namespace
}  // namespace imagebatch::runner
