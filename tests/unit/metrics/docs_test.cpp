// docs/metrics.md, the runbooks and the alerts say what the program does.
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "metrics/families.h"
#include "metrics/process.h"
#include "unit/metrics/sample.h"

namespace imagebatch::metrics {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = IMAGEBATCH_SOURCE_DIR;

std::string ReadFile(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

/// "name type labels" of each family the program exports.
std::set<std::string> Exported() {
  auto families = Families(FullSnapshot(), "1.2.3");
  for (auto& family : ProcessFamilies()) families.push_back(family);
  std::set<std::string> out;
  for (const auto& family : families) {
    std::string line = family.name;
    line += family.type == prometheus::MetricType::Gauge     ? " gauge"
            : family.type == prometheus::MetricType::Counter ? " counter"
                                                             : " histogram";
    EXPECT_FALSE(family.metric.empty()) << family.name << " has no sample in FullSnapshot()";
    if (!family.metric.empty())
      for (const auto& label : family.metric[0].label) line += " " + label.name;
    out.insert(line);
  }
  return out;
}

/// The same from the table of docs/metrics.md.
std::set<std::string> Documented() {
  static const std::regex kRow(R"(\| `([a-z_]+)` \| (\w+) \| ([^|]*)\| [^|]+ \| (stable|experimental) \|)");
  std::set<std::string> out;
  std::istringstream text(ReadFile(kSource / "docs/metrics.md"));
  for (std::string line; std::getline(text, line);) {
    std::smatch row;
    if (!std::regex_match(line, row, kRow)) continue;
    std::string entry = row[1].str() + " " + row[2].str(), label;
    std::istringstream labels(std::regex_replace(row[3].str(), std::regex("`"), ""));
    while (labels >> label) entry += " " + label;
    out.insert(entry);
  }
  return out;
}

TEST(DocsTest, EveryFamilyStandsInTheTableAndTheReverse) { EXPECT_EQ(Documented(), Exported()); }

struct Alerts {
  std::set<std::string> names;
  std::string expressions;
};

Alerts ReadAlerts() {
  Alerts alerts;
  const YAML::Node file = YAML::LoadFile(kSource / "charts/imagebatch/files/alerts.yaml");
  for (const auto& group : file["groups"]) {
    for (const auto& rule : group["rules"]) {
      const auto name = rule["alert"].as<std::string>();
      alerts.names.insert(name);
      alerts.expressions += rule["expr"].as<std::string>() + "\n";
      EXPECT_EQ(rule["annotations"]["runbook"].as<std::string>(), "docs/runbooks/" + name + ".md");
    }
  }
  return alerts;
}

TEST(DocsTest, EveryAlertHasARunbookAndALineAndTheReverse) {
  const auto alerts = ReadAlerts().names;
  std::set<std::string> runbooks, lines;
  for (const auto& entry : fs::directory_iterator(kSource / "docs/runbooks"))
    runbooks.insert(entry.path().stem().string());
  EXPECT_EQ(runbooks, alerts);
  const std::string text = ReadFile(kSource / "docs/metrics.md");
  const std::regex row(R"(\n\| (\w+) \| (warning|critical) \|)");
  for (std::sregex_iterator at(text.begin(), text.end(), row), end; at != end; ++at) lines.insert((*at)[1]);
  EXPECT_EQ(lines, alerts);
}

TEST(DocsTest, AlertsUseFamiliesThatExist) {
  std::set<std::string> exported;
  for (const auto& line : Exported()) exported.insert(line.substr(0, line.find(' ')));
  const std::string expressions = ReadAlerts().expressions;
  // A pattern over names stands for each of its alternatives.
  const std::regex name(R"(imagebatch_(\w*)(?:\(([\w|]+)\)(\w+))?)");
  int checked = 0;
  for (std::sregex_iterator at(expressions.begin(), expressions.end(), name), end; at != end; ++at) {
    std::istringstream alternatives((*at)[2].str() + "|");
    for (std::string middle; std::getline(alternatives, middle, '|'); ++checked)
      EXPECT_EQ(exported.count("imagebatch_" + (*at)[1].str() + middle + (*at)[3].str()), 1u) << at->str();
  }
  EXPECT_GE(checked, 8);
}

/// The inhibitions that docs/metrics.md advises.
YAML::Node AdvisedInhibitions() {
  const std::string text = ReadFile(kSource / "docs/metrics.md");
  const size_t begin = text.find("inhibit_rules:\n");
  const size_t end = text.find("```", begin);
  if (begin == std::string::npos || end == std::string::npos) return {};
  return YAML::Load(text.substr(begin, end - begin))["inhibit_rules"];
}

/// Whether a matcher of labels accepts an alert's name.
bool Accepts(const std::string& matcher, const std::string& alert) {
  static const std::regex kParts(R"re(alertname *(=~|!=|=) *"?([^"]+)"?)re");
  std::smatch parts;
  if (!std::regex_match(matcher, parts, kParts)) {
    ADD_FAILURE() << matcher;
    return false;
  }
  if (parts[1] == "=~") return std::regex_match(alert, std::regex(parts[2].str()));
  return (parts[2] == alert) == (parts[1] == "=");
}

TEST(DocsTest, InhibitionsNameAlertsThatExistAndStayWithinABatch) {
  const auto alerts = ReadAlerts().names;
  const YAML::Node rules = AdvisedInhibitions();
  ASSERT_GE(rules.size(), 2u);
  for (const auto& rule : rules) {
    // Without a controller nothing is known of any batch
    const bool of_all =
        rule["source_matchers"][0].as<std::string>() == "alertname = ImageBatchControllerAbsent";
    using Labels = std::vector<std::string>;
    const Labels wanted = of_all ? Labels{"cluster"} : Labels{"cluster", "namespace", "batch"};
    EXPECT_EQ(rule["equal"].as<Labels>(Labels()), wanted);
    for (const char* side : {"source_matchers", "target_matchers"}) {
      const auto accepted = std::count_if(alerts.begin(), alerts.end(), [&](const std::string& alert) {
        return std::all_of(rule[side].begin(), rule[side].end(), [&](const auto& matcher) {
          return Accepts(matcher.template as<std::string>(), alert);
        });
      });
      EXPECT_GE(accepted, 1) << YAML::Dump(rule[side]);
      EXPECT_FALSE(Accepts(rule[side][0].as<std::string>(), "Watchdog")) << "an alert of somebody else";
    }
  }
}

TEST(DocsTest, TheTestClustersAlertmanagerInhibitsAsAdvised) {
  const YAML::Node run = YAML::LoadFile(kSource / "tests/cluster/config/alertmanager.yml")["inhibit_rules"];
  std::set<std::string> rules;
  for (const auto& rule : run) rules.insert(YAML::Dump(rule));
  for (const auto& rule : AdvisedInhibitions())
    EXPECT_EQ(rules.count(YAML::Dump(rule)), 1u) << YAML::Dump(rule);
}

}  // namespace
}  // namespace imagebatch::metrics
