#include "cli/view/table.h"

#include <gtest/gtest.h>

namespace imagebatch::cli {
namespace {

TEST(Columns, CountsWhatIsSeen) {
  EXPECT_EQ(Columns(""), 0U);
  EXPECT_EQ(Columns("abc"), 3U);
  EXPECT_EQ(Columns("\xC3\xA9t\xC3\xA9"), 3U);
  EXPECT_EQ(Columns("\xE6\xBC\xA2"), 2U) << "a wide one";
}

TEST(Fit, CutsBetweenCharacters) {
  EXPECT_EQ(Fit("abcdef", 6), "abcdef");
  EXPECT_EQ(Fit("abcdefg", 6), "abc...");
  EXPECT_EQ(Fit("\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9", 4), "\xC3\xA9...");
  EXPECT_EQ(Fit("\xE6\xBC\xA2\xE6\xBC\xA2\xE6\xBC\xA2", 5), "\xE6\xBC\xA2...");
  EXPECT_EQ(Fit("abcdef", 2), "ab");
}

TEST(TableText, IsLaidOutAsKubectlDoes) {
  Table table({"NAME", "STATUS", "AGE"});
  EXPECT_TRUE(table.Empty());
  table.Add({"hello", "Running", "5m"});
  table.Add({"a", "", "12d"});
  EXPECT_FALSE(table.Empty());
  EXPECT_EQ(table.Text(),
            "NAME    STATUS    AGE\n"
            "hello   Running   5m\n"
            "a       -         12d\n");
  EXPECT_EQ(table.Text(2, 16),
            "  NAME    STA...\n"
            "  hello   Run...\n"
            "  a       -  ...\n");
}

TEST(TableText, IsPrintable) {
  Table table({"NAME"});
  table.Add({"a\x1b[31mb\nc"});
  EXPECT_EQ(table.Text(), "NAME\na?[31mb c\n");
}

}  // namespace
}  // namespace imagebatch::cli
