#include "report/markdown.h"

#include <gmock/gmock.h>

#include "unit/report/support.h"

namespace imagebatch::report {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(MarkdownTest, TellsCountsGroupsAndFailures) {
  json hung = Line("b", "failed");
  hung["class"] = "Deadlock";
  hung["summary"] = "pool.py waits for a Lock";
  Material material = Read(Text(Line("a", "built")) + Text(hung)).material;
  material.batch = "hello";
  const std::string text = MarkdownReport(MakeReport(std::move(material)));
  EXPECT_THAT(text, HasSubstr("## Batch hello\n"));
  EXPECT_THAT(text,
              HasSubstr("| builds | built | skipped | failed | hung | retried |\n|--:|--:|--:|--:|--:|--:|\n"
                        "| 2 | 1 | 0 | 1 | 1 | 0 |\n"));
  EXPECT_THAT(text, HasSubstr("| 1 | **Deadlock** pool.py waits for a Lock | image/b |"));
  EXPECT_THAT(text, HasSubstr("- image/b: Error&#58; exit code 3 (attempts: 1)"));
}

TEST(MarkdownTest, WhatIsUnfinishedIsTold) {
  Material material;
  material.total = 3;
  EXPECT_THAT(MarkdownReport(MakeReport(std::move(material))), HasSubstr("| retried | unfinished |"));
}

TEST(MarkdownTest, NothingThatABuildSaysIsMarkup) {
  json line = Line("<b>|x|`@you`", "failed");
  line["error"] = "</details><script>alert(1)</script>\n# Title\n[x](http://evil) ![i](//evil)\xE2\x80\xAE";
  line["stage"] = "**s**|";
  line["class"] = "|<i>";
  const std::string text = MarkdownReport(ReportOf(Text(line)));
  for (const char* markup :
       {"<b>", "<script", "</details><", "\n# Title", "](", "@you", "**s**", "<i>", "\xE2\x80\xAE"})
    EXPECT_THAT(text, Not(HasSubstr(markup)));
}

TEST(MarkdownTest, IsBoundedWhateverTheBatch) {
  std::string text;
  for (int i = 0; i < 2000; ++i) {
    json line = Line(std::string(200, '<') + std::to_string(i), "failed");
    line["error"] = std::string(static_cast<size_t>(1 + i % 50), '<') + std::string(4000, '|');
    line["class"] = std::string(100, '@') + std::to_string(i);
    text += Text(line);
  }
  EXPECT_LT(MarkdownReport(ReportOf(text)).size(), size_t{512} * 1024);
}

}  // namespace
}  // namespace imagebatch::report
