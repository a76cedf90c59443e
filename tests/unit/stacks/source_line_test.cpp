#include "runner/stacks/source_line.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "runner/stacks/seen_process.h"
#include "support/temporary_directory.h"

namespace imagebatch::runner {
namespace {

class Source : public ::testing::Test {
 protected:
  std::string Line(const std::string& file, int line, uid_t user = getuid()) {
    return SourceLine(getpid(), user, file, line);
  }
  std::string Write(const std::string& content) {
    directory_.Write("a.py", content);
    return directory_.path() / "a.py";
  }

  imagebatch::testing::TemporaryDirectory directory_;
};

TEST_F(Source, IsTheLineWithoutIndentation) {
  const std::string file = Write("one\n\twith lock:\r\nthree");
  EXPECT_EQ(Line(file, 1), "one");
  EXPECT_EQ(Line(file, 2), "with lock:");
  EXPECT_EQ(Line(file, 3), "three") << "without a newline";
  EXPECT_EQ(Line(file, 4), "");
  EXPECT_EQ(Line(file, 0), "");
  EXPECT_EQ(Line(file, -1), "");
}

TEST_F(Source, IsFoundInALargeFile) {
  std::string text;
  for (int line = 1; line <= 50'000; ++line) text += "line " + std::to_string(line) + "\n";
  EXPECT_EQ(Line(Write(text), 49'999), "line 49999");
  EXPECT_EQ(Line(Write(std::string(5 << 20, '\n') + "x"), (5 << 20) + 1), "") << "too far";
}

TEST_F(Source, IsBoundedAndHidesSecrets) {
  EXPECT_LE(Line(Write(std::string(100'000, 'x')), 1).size(), 60U);
  EXPECT_EQ(Line(Write("run(\"--password=hunter2\")"), 1).find("hunter2"), std::string::npos);
  EXPECT_EQ(LineForWords("login(user, password = 'hunter2', 'x')"), "login(user, password = '***', '***')");
  EXPECT_EQ(LineForWords("TOKEN = \"a\\\"b\" + 'not closed"), "TOKEN = \"***\" + '***");
  EXPECT_EQ(LineForWords("run('make')"), "run('make')");
  EXPECT_EQ(Line(Write("a\x01\x1b[31mb"), 1).find('\x1b'), std::string::npos);
}

TEST_F(Source, IsOfPlainFilesThatTheUserMayRead) {
  EXPECT_EQ(Line("<string>", 1), "");
  EXPECT_EQ(Line(directory_.path(), 1), "");
  EXPECT_EQ(Line("/dev/zero", 1), "");
  EXPECT_EQ(Line("/nowhere/a.py", 1), "");
  EXPECT_EQ(Line(std::string("/etc/passwd\0.py", 15), 1), "");
  const std::string fifo = directory_.path() / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0644), 0);
  EXPECT_EQ(Line(fifo, 1), "");
  const std::string file = Write("secret");
  ASSERT_EQ(chmod(file.c_str(), 0600), 0);
  EXPECT_EQ(Line(file, 1), "secret");
  EXPECT_EQ(Line(file, 1, getuid() + 1), "") << "a file of somebody else, whatever we may read ourselves";
}

TEST_F(Source, OfARelativePathBeginsWhereTheProcessIs) {
  const auto before = std::filesystem::current_path();
  Write("here");
  std::filesystem::current_path(directory_.path());
  EXPECT_EQ(Line("a.py", 1), "here");
  std::filesystem::current_path(before);
}

TEST(InnerId, IsTheLastOfTheLine) {
  EXPECT_EQ(InnerId("Name:\tx\nNSpid:\t4711\t12\t7\nx:\t1\n"), 7);
  EXPECT_EQ(InnerId("NSpid:\t4711\n"), 4711);
  EXPECT_EQ(InnerId("NSpid:\tx\n"), std::nullopt);
  EXPECT_EQ(InnerId("NSpid:"), std::nullopt);
  EXPECT_EQ(InnerId("Name:\tx\n"), std::nullopt);
}

TEST(See, TellsWhyNothingCanBeSaid) {
  ProcessStat stat;
  stat.pid = 0x7FFFFFFF;
  EXPECT_TRUE(See(stat, 10).gone);
  stat.pid = getpid();
  const SeenProcess own = See(stat, 10);
  EXPECT_EQ(own.problem, "");
  ASSERT_FALSE(own.threads.empty());
  EXPECT_FALSE(HasNotRun(getpid(), own.threads[0])) << "who asks runs";
  EXPECT_EQ(See(stat, 0).more_threads, own.threads.size());
}

TEST(FutexOf, IsTheWordOfAFutexCall) {
#ifdef __x86_64__
  const char* call = "202 0x7f0000001000 0x189 0x0 0x0 0x0 0xffffffff 0x7ffd00000000 0x7f0000002000";
  EXPECT_EQ(FutexOf({.id = 1, .inner_id = 1, .call = call, .switches = 0}), 0x7f0000001000U);
#endif
  EXPECT_FALSE(FutexOf({.id = 1, .inner_id = 1, .call = "running", .switches = 0}));
  EXPECT_FALSE(FutexOf({.id = 1, .inner_id = 1, .call = "", .switches = 0}));
}

}  // namespace
}  // namespace imagebatch::runner
