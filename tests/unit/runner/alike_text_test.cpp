#include "runner/report/alike_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace imagebatch::runner {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string Named(std::string_view command) {
  const ProgramName name = NameProgram(command);
  return name.name + "|" + name.mode;
}

TEST(NameProgram, DropsInterpretersDirectoriesAndValues) {
  EXPECT_EQ(Named("/usr/bin/make -j8 all"), "make|all");
  EXPECT_EQ(Named("docker --debug image pull debian:12"), "docker|image");
  EXPECT_EQ(Named("build-image --commit=d16bfe05 --push=r/x:1"), "build-image|");
  EXPECT_EQ(Named("python3.11 -u -X dev /src/django__django-17087/run.py"), "run.py|");
  EXPECT_EQ(Named("/root/.pyenv/versions/3.11.7/bin/python3 -m pytest -q tests"), "pytest|tests");
  EXPECT_EQ(Named("python3 -c import os; os.wait()"), "python -c|import");
  EXPECT_EQ(Named("/bin/sh -ec cd /src/a17x3 && make test"), "sh -c|cd make test");
  EXPECT_EQ(Named("bash -o pipefail ./needed.sh server"), "needed.sh|server");
  EXPECT_EQ(Named("java -cp /x/lib -Xmx1g Monitors"), "Monitors|");
  EXPECT_EQ(Named("java -jar /opt/gradle-8.1.jar build"), "gradle-*.*.jar|build");
  EXPECT_EQ(Named("node --require x /app/serve.js"), "serve.js|");
  EXPECT_EQ(Named("-bash"), "bash|");
  EXPECT_EQ(Named("[idle]"), "idle|");
  EXPECT_EQ(Named("[sh -c] x]"), "sh -c] x|");
  EXPECT_EQ(Named("gcc-12 -o x main.c"), "gcc-*|");
  EXPECT_EQ(Named("sh /tmp/tmpx7k2q9ab.sh"), "*.sh|");
  EXPECT_EQ(Named(""), "|");
  EXPECT_EQ(Named("python3"), "python|");
  EXPECT_EQ(Named("python3 -c"), "python -c|");
}

TEST(PlainWords, AreNoPathsOptionsNumbersOrAssignments) {
  EXPECT_EQ(PlainWords("[2/5] RUN git clone -o origin https://x/y /testbed", 3), "RUN git clone");
  EXPECT_EQ(PlainWords("--a=b c d17 e/f GH=1 lock_order", 3), "lock_order");
  EXPECT_EQ(PlainWords(std::string(1 << 20, 'a'), 3), "");
}

TEST(PlainName, IsBounded) {
  EXPECT_EQ(PlainName("/usr/lib/x/"), "x");
  EXPECT_LE(PlainName(std::string(1 << 20, 'a')).size(), kNameBytes);
  EXPECT_EQ(PlainName("libc6"), "libc*");
  EXPECT_EQ(PlainName("deadbeef17"), "*");
  EXPECT_EQ(PlainName("a\x1b\xff"), "a??");
}

TEST(RepeatedLines, AreTemplates) {
  EXPECT_THAT(RepeatedLines({"completed 12 of 13 tasks", "completed 13 of 14 tasks"}),
              ElementsAre("completed * of * tasks"));
  EXPECT_THAT(RepeatedLines({"Solving environment:  \b|\b/\b-\b\\\b|\b/"}),
              ElementsAre("Solving environment"));
  EXPECT_THAT(RepeatedLines({"\x1b[K⠙ reify:lodash: timing reifyNode"}),
              ElementsAre("reify lodash timing reifyNode"));
  EXPECT_THAT(RepeatedLines({"upload of jqtvjvwr to zynnev failed, trying again",
                             "upload of ymrsseup to rkquqs failed, trying again",
                             "upload of aelqfrqb to mfbdie failed, trying again"}),
              ElementsAre("upload of * to * failed trying again"));
  EXPECT_THAT(
      RepeatedLines({"pods \"build-mwz5m56x9-8rsg5\" not found", "pods \"build-abcdefghk-vwxyz\" not found"}),
      ElementsAre("pods build * not found"));
  EXPECT_THAT(RepeatedLines({"17", "/x/y", "..."}), IsEmpty());
}

TEST(RepeatedLines, DoNotDependOnWhereALoopIsCut) {
  const std::vector<std::string> turn = {"trying mirror one", "no answer came in time",
                                         "next mirror, please wait"};
  std::vector<std::vector<std::string>> seen;
  for (size_t start = 0; start < turn.size(); ++start) {
    std::vector<std::string> lines;
    for (size_t line = 0; line < 20; ++line) lines.push_back(turn[(start + line) % turn.size()]);
    seen.push_back(RepeatedLines(lines));
  }
  EXPECT_THAT(seen[0], ElementsAre("next mirror please wait", "no answer came in time", "trying mirror one"));
  EXPECT_EQ(seen[1], seen[0]);
  EXPECT_EQ(seen[2], seen[0]);
}

TEST(RepeatedLines, LeaveOutWhatIsMuchRarerAndALoopThatIsTooLong) {
  std::vector<std::string> lines(40, "still waiting");
  lines.insert(lines.begin() + 17, "cache cleaned up");
  EXPECT_THAT(RepeatedLines(lines), ElementsAre("still waiting"));
  std::vector<std::string> different;
  for (char letter = 'a'; letter <= 'z'; ++letter)
    different.push_back(std::string(static_cast<size_t>(letter - 'a') + 1, letter) + " is" +
                        std::string(static_cast<size_t>(letter - 'a') + 1, '.') + std::string(3, letter));
  for (size_t line = 0; line < different.size(); ++line)
    for (size_t word = 0; word < line; ++word) different[line] += " x";
  EXPECT_THAT(RepeatedLines(different), IsEmpty());
}

}  // namespace
}  // namespace imagebatch::runner
