#include "report/page.h"

#include <gmock/gmock.h>

#include "unit/report/support.h"

namespace imagebatch::report {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

json Hung(const std::string& name) {
  json line = Line(name, "failed");
  line["class"] = "Deadlock";
  line["fingerprint"] = "c3847c72e8b4";
  line["summary"] = "pool.py waits for a Lock";
  line["hung_since"] = "2026-03-13T00:00:30Z";
  line["evidence_record"] = "hello-evidence-1";
  return line;
}

/// The JSON that the page's script reads.
json DataOf(const std::string& page) {
  const std::string begin = "<script type=\"application/json\" id=\"data\">";
  const size_t at = page.find(begin) + begin.size();
  return json::parse(page.substr(at, page.find("</script>", at) - at));
}

TEST(PageTest, ShowsThePictureGroupsAndEvidence) {
  Material material = Read(Text(Line("a", "built")) + Text(Line("b", "failed")) + Text(Hung("c"))).material;
  material.batch = "hello";
  const json evidence = {{"verdict", "Hung"},
                         {"class", "Deadlock"},
                         {"reason", "WaitCycle"},
                         {"since", "2026-03-13T00:00:30.000Z"},
                         {"message", "2 processes wait only for one another"},
                         {"evidence", {{"output", {"<b>last</b>"}}}}};
  const std::string page = HtmlPage(MakeReport(std::move(material)), {{"hello-evidence-1", evidence.dump()}});
  EXPECT_THAT(page, HasSubstr("<h1>Batch hello</h1>"));
  EXPECT_THAT(page, HasSubstr("2 of 3 builds failed, 1 hung"));
  EXPECT_THAT(page, HasSubstr("<svg id=\"picture\""));
  EXPECT_THAT(page, HasSubstr("<span class=\"many\">1 build</span> Deadlock"));
  EXPECT_THAT(page, HasSubstr("pool.py waits for a Lock"));
  EXPECT_THAT(page, HasSubstr("2 processes wait only for one another"));
  EXPECT_THAT(page, HasSubstr("&lt;b&gt;last"));
  EXPECT_THAT(page, HasSubstr("<p class=\"detail\">exit code 3</p>"));
}

TEST(PageTest, TheScriptGetsARowForEachBuild) {
  const json data = DataOf(HtmlPage(ReportOf(Text(Line("a", "built")) + Text(Hung("b"))), {}));
  EXPECT_EQ(data["names"], json::array({"a", "b"}));
  ASSERT_EQ(data["rows"].size(), 18U);
  EXPECT_EQ(data["rows"], json::parse("[0,0,0,0,900,900,1,-1,-1, 0,3,1,0,900,900,1,0,0]"));
  EXPECT_EQ(data["hangs"], json::array({"Deadlock: pool.py waits for a Lock"}));
}

TEST(PageTest, AFailureAfterAHangIsAFailure) {
  json second = Line("b", "failed", 2);
  second["started_at"] = second["finished_at"] = "2026-03-13T00:02:00Z";
  const json rows = DataOf(HtmlPage(ReportOf(Text(Hung("b")) + Text(second)), {}))["rows"];
  EXPECT_EQ(rows[1], 2);
  EXPECT_EQ(rows[8], 0) << "and its hang is told";
}

TEST(PageTest, LoadsNothingAndAllowsNothingButItsOwnParts) {
  const std::string page = HtmlPage(ReportOf(Text(Line("a", "built"))), {});
  EXPECT_THAT(
      page,
      HasSubstr("content=\"default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-"));
  EXPECT_THAT(page, Not(HasSubstr("unsafe-")));
  for (const char* loads :
       {"src=", "<link", "@import", "url(", "http://", "https://", "style=\"", "onclick=\""})
    EXPECT_THAT(page, Not(HasSubstr(loads))) << loads;
}

TEST(PageTest, WhatABuildSaysIsText) {
  constexpr const char* kHostile =
      "</script><script>alert(1)</script><img src=x onerror=y>\"'<!--\x1b]0;\a\xE2\x80\xAE";
  json line = Hung(kHostile);
  for (const char* field : {"stage", "error", "reason", "class", "fingerprint", "summary", "evidence_record"})
    line[field] = kHostile;
  line["tags"] = {kHostile};
  Material material = Read(Text(line)).material;
  material.batch = kHostile;
  const json evidence = {
      {"verdict", "Hung"}, {"class", "Deadlock"}, {"reason", kHostile}, {"message", kHostile}};
  const std::string page = HtmlPage(MakeReport(std::move(material)), {{kHostile, evidence.dump()}});
  for (const char* markup : {"<img", "<script>alert", "<!--", "\x1b", "\a", "\xE2\x80\xAE"})
    EXPECT_THAT(page, Not(HasSubstr(markup))) << markup;
  EXPECT_EQ(DataOf(page)["rows"].size(), 9U);
}

TEST(PageTest, EvidenceIsBounded) {
  json evidence = {{"verdict", "Hung"},
                   {"class", "Deadlock"},
                   {"reason", "WaitCycle"},
                   {"message", std::string(100000, '<')}};
  for (int i = 0; i < 100; ++i) evidence["evidence"]["output"].push_back(std::string(1000, 'x'));
  const std::string page = HtmlPage(ReportOf(Text(Hung("a"))), {{"hello-evidence-1", evidence.dump()}});
  const size_t from = page.find("<pre"), to = page.find("</pre>");
  ASSERT_NE(to, std::string::npos);
  EXPECT_LT(to - from, kEvidenceBytes * 4 + 20);
}

TEST(PageTest, WhatIsNoEvidenceIsLeftOut) {
  for (const char* text : {"", "{", "null", "[[[["}) {
    const std::string page = HtmlPage(ReportOf(Text(Hung("a"))), {{"hello-evidence-1", text}});
    EXPECT_THAT(page, Not(HasSubstr("<details>")));
  }
}

TEST(PageTest, OfTenThousandBuildsIsUnderAMebibyteWhateverTheirNames) {
  for (const char* piece : {"a", "<", "\xC3\xA9", "\""}) {
    std::string text;
    for (int i = 0; i < 10000; ++i) {
      std::string name = std::to_string(i);
      while (name.size() < 250) name += piece;
      json line = i % 10 == 0 ? Hung(name) : Line(name, i % 10 == 1 ? "failed" : "built", 1 + i % 2);
      line["fingerprint"] = std::to_string(i % 5000);
      line["error"] = std::string(static_cast<size_t>(1 + i % 200), '<') + std::string(3000, '&');
      line["started_at"] =
          FormatTime(Time(std::chrono::milliseconds(1773360000000)) + std::chrono::seconds(i));
      line["finished_at"] =
          FormatTime(Time(std::chrono::milliseconds(1773360100000)) + std::chrono::seconds(i + i % 70));
      text += Text(line);
    }
    EXPECT_LT(HtmlPage(ReportOf(text), {}).size(), size_t{1} << 20U) << piece;
  }
}

TEST(PageTest, OfNothing) { EXPECT_THAT(HtmlPage(ReportOf(""), {}), HasSubstr("no builds")); }

}  // namespace
}  // namespace imagebatch::report
