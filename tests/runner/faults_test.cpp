// Builds that behave as badly as builds do, under the real runner.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstdlib>

#include "runner/run.h"

namespace imagebatch::runner {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

std::string Runner(const std::string& options) {
  return std::string(RUNNER_BINARY) + " --sample-every 100ms --grace 500ms " + options + " -- ";
}

json InnerResult(const Supervised& run, const char* name = "inner-result") {
  return json::parse(Content(run.Directory() / name), nullptr, false);
}

TEST(Faults, AGigabyteOfOutputTakesNoMemory) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's own memory would be measured";
#endif
  Supervised run({}, Shell(Runner("--state inner --result inner-result") +
                           "head -c 1000000000 /dev/zero > /dev/null & pid=$!; wait $pid; echo $?"));
  EXPECT_EQ(run.Wait(), 0);
  EXPECT_EQ(run.Output(), "0\n");
  EXPECT_EQ(InnerResult(run)["outputBytes"], 1'000'000'000);
  // The inner runner's own size is what its parent reaped.
  EXPECT_LT(run.Result()["peakRssBytes"], 12'000'000);
}

TEST(Faults, BinaryAndEscapesAreHarmlessInTheEvidence) {
  Supervised run({"--idle-after", "1s", "--sample-every", "100ms"},
                 Shell(R"(printf '\033[2J\033]0;title\007\000\377\376"}\r\n{"imagebatch":"evidence","x\n'; )"
                       "exec sleep 1000"));
  ASSERT_TRUE(Await([&] { return run.Hung(); }));
  for (const char byte : run.Errors()) {
    EXPECT_TRUE(static_cast<unsigned char>(byte) >= 0x20 || byte == '\n') << static_cast<int>(byte);
  }
  const auto lines = OwnLines(run.Errors());
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0]["evidence"]["output"].size(), 2U);
}

TEST(Faults, ABuildThatKillsAllItCanReachEndsAlone) {
  // In a PID namespace of its own: kill -1 reaches all processes.
  Supervised run({}, {"unshare", "--pid", "--fork", "--mount-proc", "sh", "-c",
                      "exec " + Runner("--state inner --result inner-result") +
                          "sh -c 'sleep 1000 & setsid sleep 1000 & kill -KILL -1; echo survived'"});
  const int code = run.Wait();
  if (!std::filesystem::exists(run.Directory() / "inner")) GTEST_SKIP() << "no right to make a PID namespace";
  EXPECT_EQ(code, 0);
  EXPECT_EQ(run.Output(), "survived\n") << "kill -1 spares the one who calls it, and PID 1";
  EXPECT_EQ(InnerResult(run)["exitCode"], 0);
}

TEST(Faults, ABuildThatKillsItsOwnGroupIsReported) {
  Supervised run({}, Shell("sleep 1000 & kill -KILL 0"));
  EXPECT_EQ(run.Wait(), 128 + SIGKILL);
  EXPECT_EQ(run.Result()["signal"], "SIGKILL");
}

TEST(Faults, ExhaustedProcessNumbersAreTheBuildsAlone) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become a user without processes";
  Scratch place;
  std::filesystem::permissions(place.Path(), std::filesystem::perms::all);
  const std::string files =
      "--state " + (place / "state").string() + " --result " + (place / "result").string();
  Supervised run({}, {"setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups", "prlimit",
                      "--nproc=12", "sh", "-c",
                      "exec " + Runner("--idle-after 1s --on-hang fail " + files) +
                          "sh -c 'for i in $(seq 30); do sleep 1000 & done; echo never; wait'"});
  const int code = run.Wait();
  EXPECT_THAT(code, testing::AnyOf(2, 124)) << "a shell that cannot fork ends with 2; else it hangs";
  EXPECT_EQ(json::parse(Content(place / "result"))["exitCode"], code);
  EXPECT_THAT(run.Output(), Not(HasSubstr("never")));
}

TEST(Faults, AFullDiskUnderTheStateDoesNotEndTheBuild) {
  Supervised run({},
                 {"unshare", "--mount", "sh", "-c",
                  "mkdir small && mount -t tmpfs -o size=64k none small && exec " +
                      Runner("--state small/state --result inner-result --idle-after 1s") +
                      "sh -c 'head -c 1000000 /dev/zero > small/fill; echo full; sleep 2.5; echo built'"});
  const int code = run.Wait();
  if (Content(run.Directory() / "inner-result").empty())
    GTEST_SKIP() << "no right to mount: " << run.Errors();
  EXPECT_EQ(code, 0);
  EXPECT_EQ(run.Output(), "full\nbuilt\n");
  EXPECT_EQ(InnerResult(run)["exitCode"], 0);
  EXPECT_THAT(OwnLines(run.Errors()), Not(IsEmpty())) << "the log still has the verdict";
}

TEST(Faults, AStateThatCannotBeWrittenIsSaidBeforeTheBuildStarts) {
  Supervised nowhere({}, Shell(Runner("--state /nowhere/state --result inner-result") + "echo ran"));
  EXPECT_EQ(nowhere.Wait(), 2);
  EXPECT_THAT(nowhere.Output(), IsEmpty());
  EXPECT_THAT(nowhere.Errors(), HasSubstr("cannot write /nowhere/state: No such file or directory"));
  Supervised result({}, Shell(Runner("--state inner --result /nowhere/result") + "echo ran"));
  EXPECT_EQ(result.Wait(), 2);
  EXPECT_THAT(result.Output(), IsEmpty());
  EXPECT_THAT(result.Errors(), HasSubstr("cannot write /nowhere/result: No such file or directory"));
}

TEST(Faults, NothingButARegularFileIsReplaced) {
  Scratch place;
  const auto type = [](const std::filesystem::path& path) {
    return std::filesystem::symlink_status(path).type();
  };
  ASSERT_EQ(mkfifo((place / "fifo").c_str(), 0600), 0);
  std::filesystem::create_symlink("/dev/null", place / "link");
  std::vector<std::filesystem::path> others = {place / "fifo", place / "link", place.Path()};
  const bool may = mknod((place / "null").c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0;
  if (may) others.push_back(place / "null");
  for (const auto& other : others) {
    const auto before = type(other);
    Supervised state({},
                     {RUNNER_BINARY, "--result", place / "result", "--state", other, "--", "echo", "ran"});
    EXPECT_EQ(state.Wait(), 2) << other;
    EXPECT_THAT(state.Errors(),
                HasSubstr("--state: cannot write " + other.string() + ": not a regular file"));
    EXPECT_THAT(state.Output(), IsEmpty());
    EXPECT_EQ(type(other), before);
    Supervised install({}, {RUNNER_BINARY, "install", other});
    EXPECT_EQ(install.Wait(), 1) << other;
    EXPECT_EQ(type(other), before);
  }
  // The result is written in place, and never waits for a reader.
  Supervised fifo({}, {RUNNER_BINARY, "--state", place / "state", "--result", place / "fifo", "--", "true"});
  EXPECT_EQ(fifo.Wait(), 2);
  EXPECT_THAT(fifo.Errors(), HasSubstr("--result: cannot write "));
  if (!may) return;
  Supervised null({}, {RUNNER_BINARY, "--state", place / "state", "--result", place / "null", "--", "true"});
  EXPECT_EQ(null.Wait(), 0) << null.Errors();
  EXPECT_EQ(type(place / "null"), std::filesystem::file_type::character);
}

TEST(Faults, AFullDiskThatABuildWaitsForIsTheFirstThatIsSaid) {
  Supervised run({}, {"unshare", "--mount", "sh", "-c",
                      "mkdir small && mount -t tmpfs -o size=2m none small && " +
                          Runner("--state inner --result inner-result --idle-after 1s --sample-every 100ms "
                                 "--grace 100ms --on-hang fail") +
                          "sh -c 'head -c 4000000 /dev/zero > small/file; sleep 1000'"});
  run.Wait();
  if (Content(run.Directory() / "inner-result").empty())
    GTEST_SKIP() << "no right to mount: " << run.Errors();
  const json result = InnerResult(run);
  EXPECT_EQ(result["class"], "Idle");
  EXPECT_THAT(result["message"].get<std::string>(), StartsWith("the file system at "));
  EXPECT_THAT(result["message"].get<std::string>(),
              HasSubstr("/small is full (0 MiB of 2 MiB free); for 1 s "));
  EXPECT_EQ(result["evidence"]["machine"]["fileSystems"][0]["freeBytes"], 0);
}

TEST(Faults, AFrozenBuildIsIdleAndCanStillBeReadAndEnded) {
  const std::string group = "cgroups/frozen-" + std::to_string(getpid());
  const std::string build =
      "sh -c 'python3 -c \"import time; time.sleep(1000)\" & pid=$!; "
      "until grep -q nanosleep /proc/$pid/wchan; do :; done; "
      "echo $pid > " +
      group + "/cgroup.procs; echo 1 > " + group +
      "/cgroup.freeze; "
      "until grep -q \"frozen 1\" " +
      group + "/cgroup.events; do :; done; echo frozen; wait'";
  Supervised run(
      {}, {"unshare", "--mount", "sh", "-c",
           "mkdir cgroups && mount -t cgroup2 none cgroups && mkdir " + group + " && touch mounted && " +
               Runner("--state inner --result inner-result --idle-after 1s --sample-every 100ms "
                      "--grace 100ms --on-hang fail") +
               build + "; until rmdir " + group + "; do :; done 2> /dev/null"});
  run.Wait();
  if (!std::filesystem::exists(run.Directory() / "mounted")) GTEST_SKIP() << "no right to make cgroups";
  EXPECT_EQ(run.Output(), "frozen\n");
  const json result = InnerResult(run);
  EXPECT_EQ(result["class"], "Idle");
  EXPECT_THAT(result["evidence"]["stacks"].dump(), HasSubstr("<string>:1 <module>"));
}

TEST(Faults, AFullDiskUnderTheOutputIsToldAndPasses) {
  Supervised run(
      {},
      {"unshare", "--mount", "sh", "-c",
       "mkdir small && mount -t tmpfs -o size=512k none small && head -c 400000 /dev/zero > small/fill && " +
           Runner("--state inner --result inner-result") +
           "sh -c 'head -c 1000000 /dev/zero; rm small/fill; echo later' > small/out; "
           "tr -d '\\0' < small/out > out"});
  const int code = run.Wait();
  if (Content(run.Directory() / "inner-result").empty())
    GTEST_SKIP() << "no right to mount: " << run.Errors();
  EXPECT_EQ(code, 0);
  const std::string out = Content(run.Directory() / "out");
  EXPECT_THAT(out, HasSubstr("later\n"));
  EXPECT_THAT(out, HasSubstr(" bytes of output before this line were lost: No space left on device\n"));
  EXPECT_THAT(run.Errors(), HasSubstr(" bytes of output were lost: No space left on device"));
  EXPECT_GT(InnerResult(run)["lostOutputBytes"], 100'000);
}

TEST(Faults, AReadOnlyDirectoryIsSaidBeforeTheBuildStarts) {
  Supervised run({}, {"unshare", "--mount", "sh", "-c",
                      "mkdir fixed && mount -t tmpfs -o ro none fixed && touch mounted && exec " +
                          Runner("--state fixed/state --result inner-result") + "echo ran"});
  const int code = run.Wait();
  if (!std::filesystem::exists(run.Directory() / "mounted")) GTEST_SKIP() << "no right to mount";
  EXPECT_EQ(code, 2);
  EXPECT_THAT(run.Output(), IsEmpty());
  EXPECT_THAT(run.Errors(), HasSubstr("cannot write fixed/state: Read-only file system"));
}

}  // namespace
}  // namespace imagebatch::runner
