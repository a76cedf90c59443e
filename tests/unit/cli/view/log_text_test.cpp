#include "cli/view/log_text.h"

#include <gtest/gtest.h>

namespace imagebatch::cli {
namespace {

using nlohmann::json;

std::string Through(LogFilter filter, const std::vector<std::string>& pieces) {
  std::string out;
  for (const std::string& piece : pieces) out += filter.Feed(piece);
  return out + filter.Finish();
}

TEST(LogFilterTest, HidesTheMarkerHoweverThePiecesFall) {
  EXPECT_EQ(Through({"secret", false}, {"a sec", "ret b\nsecret", "secret\nend sec"}),
            "a *** b\n******\nend sec");
  EXPECT_EQ(Through({"", false}, {"a\n"}), "a\n") << "a Pod without one";
}

TEST(LogFilterTest, LeavesAFileItsBytes) {
  const std::string bytes = "\x1b[31mred\x1b[0m\r\xFF\n";
  EXPECT_EQ(Through({"secret", false}, {bytes}), bytes);
}

TEST(LogFilterTest, LetsNothingCommandATerminal) {
  EXPECT_EQ(Through({"", true}, {"\x1b[31mred\x1b[0m\ttab\n"}), "red\ttab\n");
  EXPECT_EQ(Through({"", true}, {"\x1b]0;title\x07\n"}), "?]0;title?\n");
  EXPECT_EQ(Through({"", true}, {"10%\r20%\r\n"}), "10% 20%\n");
  EXPECT_EQ(Through({"", true}, {"\xC3\xA9 \xFF \xC2\x9B\n"}), "\xC3\xA9 ? ?\n") << "C1 controls too";
  EXPECT_EQ(Through({"", true}, {"\x1b["}), "") << "an unfinished sequence";
}

TEST(LogFilterTest, HoldsNoEndlessLine) {
  LogFilter filter("", false);
  size_t shown = 0;
  for (int i = 0; i < 100; ++i) shown += filter.Feed(std::string(4096, 'x')).size();
  EXPECT_GE(shown, size_t{5} * 64 * 1024);
  EXPECT_EQ(shown + filter.Finish().size(), size_t{100} * 4096);
}

TEST(LogTextTest, KnowsTheContainerOfTheBuild) {
  json pod = json::parse(R"({"metadata": {"annotations": {"kubectl.kubernetes.io/default-container": "main"}},
    "spec": {"containers": [{"name": "proxy"},
                            {"name": "main", "env": [{"name": "IMAGEBATCH_MARKER", "value": "m"}]}]},
    "status": {"containerStatuses": [{"name": "proxy", "state": {"running": {}}},
                                     {"name": "main", "state": {"waiting": {}}}]}})");
  EXPECT_EQ(ContainerOf(pod), "main");
  EXPECT_EQ(MarkerOf(pod), "m");
  EXPECT_FALSE(HasStarted(pod));
  pod["status"]["containerStatuses"][1]["state"] = json::parse(R"({"terminated": {}})");
  EXPECT_TRUE(HasStarted(pod));
  EXPECT_EQ(ContainerOf(json::object()), "build");
  EXPECT_EQ(MarkerOf(json::object()), "");
}

}  // namespace
}  // namespace imagebatch::cli
