#include "batch/read_policies.h"

#include <algorithm>
#include <limits>

#include "base/text.h"
#include "batch/names.h"
#include "contract/contract.h"
#include "pattern/pattern.h"

namespace imagebatch::batch {
namespace {

using nlohmann::json;

std::optional<int> ReadInteger(Fields& fields, std::string_view name, int64_t max) {
  if (fields.Find(name) == nullptr) return std::nullopt;
  return static_cast<int>(fields.Integer(name, 0, 0, max));
}

std::optional<HangAction> ReadHangAction(Fields& fields) {
  const std::string action = fields.String("action", "", 16);
  if (action == "Flag") return HangAction::Flag;
  if (action == "Retry") return HangAction::Retry;
  if (action == "Fail") return HangAction::Fail;
  if (fields.Find("action") != nullptr) fields.Add("action", Quote(action) + " must be Flag, Retry or Fail");
  return std::nullopt;
}

std::optional<std::vector<ExpectedLine>> ReadExpect(Fields& fields, Problems& problems) {
  if (fields.Find("expect") == nullptr) return std::nullopt;
  std::vector<ExpectedLine> lines;
  for (const json& element : fields.Array("expect", contract::kMostExpected)) {
    Fields of(element, fields.PathOf("expect") + "[" + std::to_string(lines.size()) + "]", problems);
    ExpectedLine& line = lines.emplace_back();
    line.pattern = of.RequiredString("pattern", Pattern::kMostBytes);
    if (!line.pattern.empty()) {
      if (const auto pattern = Pattern::Compile(line.pattern); !pattern)
        of.Add("pattern", Quote(line.pattern) + ": " + pattern.error().message);
    }
    if (of.Require("withinSeconds") != nullptr)
      line.within_seconds = static_cast<int>(of.Integer("withinSeconds", 0, 1, kYear));
    line.first_seconds = static_cast<int>(of.Integer("firstSeconds", line.within_seconds, 1, kYear));
    of.RefuseOthers();
  }
  return lines;
}

}  // namespace

HangOverrides ReadHang(const json& value, const std::string& path, Problems& problems) {
  HangOverrides hang;
  Fields fields(value, path, problems);
  hang.deadlock_seconds = ReadInteger(fields, "deadlockSeconds", kYear);
  hang.idle_seconds = ReadInteger(fields, "idleSeconds", kYear);
  hang.silent_seconds = ReadInteger(fields, "silentSeconds", kYear);
  hang.deadline_seconds = ReadInteger(fields, "deadlineSeconds", kYear);
  hang.slow_factor = ReadInteger(fields, "slowFactor", 1000);
  hang.expect = ReadExpect(fields, problems);
  hang.action = ReadHangAction(fields);
  fields.RefuseOthers();
  return hang;
}

StallOverrides ReadStall(const json& value, const std::string& path, Problems& problems) {
  StallOverrides stall;
  Fields fields(value, path, problems);
  stall.after_seconds = ReadInteger(fields, "afterSeconds", kYear);
  stall.init_seconds = ReadInteger(fields, "initSeconds", kYear);
  if (fields.Find("action") != nullptr) {
    const std::string action = fields.String("action", "", 16);
    stall.retry = action == "Retry";
    if (action != "Flag" && action != "Retry") fields.Add("action", Quote(action) + " must be Flag or Retry");
  }
  fields.RefuseOthers();
  return stall;
}

Shutdown ReadShutdown(Fields& spec) {
  const std::string shutdown = spec.String("shutdown", "", 16);
  if (shutdown == "Stop") return Shutdown::Stop;
  if (shutdown == "Terminate") return Shutdown::Terminate;
  if (spec.Find("shutdown") != nullptr) spec.Add("shutdown", Quote(shutdown) + " must be Stop or Terminate");
  return Shutdown::None;
}

Rerun ReadRerun(const json& value, const std::string& path, Problems& problems) {
  constexpr size_t kMost = 500;
  Rerun rerun;
  Fields fields(value, path, problems);
  rerun.round = static_cast<int>(fields.Integer("round", 0, 0, std::numeric_limits<int>::max()));
  const std::vector<json> builds = fields.Array("builds", kMost);
  for (size_t i = 0; i < builds.size(); ++i) {
    const std::string where = fields.PathOf("builds") + "[" + std::to_string(i) + "]";
    const auto name = builds[i].is_string() ? ParseBuildName(builds[i].get<std::string>()) : std::nullopt;
    if (!name) {
      problems.Add(where, "must be the name of a build: stage/name");
    } else if (std::find(rerun.builds.begin(), rerun.builds.end(), *name) != rerun.builds.end()) {
      problems.Add(where, Quote(ToString(*name)) + " is listed twice");
    } else {
      rerun.builds.push_back(*name);
    }
  }
  fields.RefuseOthers();
  return rerun;
}

HangPolicy Override(HangPolicy policy, const HangOverrides& overrides) {
  policy.deadlock_seconds = overrides.deadlock_seconds.value_or(policy.deadlock_seconds);
  policy.idle_seconds = overrides.idle_seconds.value_or(policy.idle_seconds);
  policy.silent_seconds = overrides.silent_seconds.value_or(policy.silent_seconds);
  policy.deadline_seconds = overrides.deadline_seconds.value_or(policy.deadline_seconds);
  policy.slow_factor = overrides.slow_factor.value_or(policy.slow_factor);
  policy.expect = overrides.expect.value_or(policy.expect);
  policy.action = overrides.action.value_or(policy.action);
  return policy;
}

StallPolicy Override(StallPolicy policy, const StallOverrides& overrides) {
  policy.after_seconds = overrides.after_seconds.value_or(policy.after_seconds);
  policy.init_seconds = overrides.init_seconds.value_or(policy.init_seconds);
  policy.retry = overrides.retry.value_or(policy.retry);
  return policy;
}

}  // namespace imagebatch::batch
