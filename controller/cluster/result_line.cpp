#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cluster/results.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;

constexpr size_t kPhases = 12;
constexpr size_t kLineLimit = 4096;

const char* CauseName(plan::Cause cause) {
  switch (cause) {
    case plan::Cause::Build:
      return "Build";
    case plan::Cause::Hang:
      return "Hang";
    case plan::Cause::Infrastructure:
      return "Infrastructure";
  }
  return "Build";
}

std::optional<plan::Cause> CauseOf(std::string_view name) {
  for (const plan::Cause cause : {plan::Cause::Build, plan::Cause::Hang, plan::Cause::Infrastructure}) {
    if (name == CauseName(cause)) return cause;
  }
  return std::nullopt;
}

json TimeOrNull(Time time) { return time == Time{} ? json() : json(FormatTime(time)); }

/// A number of the runner's account under a name of ours; left out where there is none.
void CopyNumber(json& line, const char* to, const json& runner, const char* from) {
  const auto at = runner.find(from);
  if (at != runner.end() && at->is_number()) line[to] = *at;
}

json Phases(const json& runner) {
  json phases = json::array();
  const auto at = runner.find("phases");
  if (at == runner.end() || !at->is_array()) return phases;
  for (const json& phase : *at) {
    if (phases.size() == kPhases) break;
    if (!phase.is_object() || !phase.contains("name") || !phase["name"].is_string()) continue;
    if (!phase.contains("seconds") || !phase["seconds"].is_number()) continue;
    phases.push_back(
        {{"name", Printable(phase["name"].get<std::string>(), 80)}, {"seconds", phase["seconds"]}});
  }
  return phases;
}

/// What kind of hang it was, since when, and where the evidence is. The runner that ended the build knows
/// best; of one that was ended otherwise while it hung, the verdict tells.
void AddHang(json& line, const ResultSubject& subject, const Outcome& outcome) {
  const bool ended = !outcome.klass.empty();
  if (!ended && !subject.verdict) return;
  const std::string& reason = ended ? outcome.hang_reason : subject.verdict->reason;
  line["class"] = ended ? outcome.klass : subject.verdict->klass;
  if (!reason.empty()) line["hang_reason"] = reason;
  line["hung_since"] = TimeOrNull(ended ? outcome.hung_since : subject.verdict->since);
  if (!subject.evidence.sha256.empty()) line["evidence_sha256"] = subject.evidence.sha256;
  if (!subject.evidence.config_map.empty()) line["evidence_config_map"] = subject.evidence.config_map;
}

}  // namespace

std::string ResultLine(const ResultSubject& subject, const Outcome& outcome, Time now) {
  const double duration = UnixSeconds(outcome.finished) - UnixSeconds(outcome.started);
  json line = {{"time", FormatTime(now)},
               {"stage", subject.stage},
               {"name", subject.name},
               {"tags", outcome.succeeded ? json::array({subject.image}) : json::array()},
               {"status", outcome.succeeded ? "built" : "failed"},
               {"error", outcome.succeeded ? json() : json(outcome.reason + ": " + outcome.message)},
               {"reason", outcome.reason},
               {"class", json()},
               {"attempt_count", subject.attempt},
               {"started_at", TimeOrNull(outcome.started)},
               {"finished_at", TimeOrNull(outcome.finished)},
               {"duration_seconds", duration < 0 ? 0 : duration},
               {"build", subject.build_hash},
               {"job", subject.job},
               {"pod", outcome.pod},
               {"node", outcome.node}};
  if (!outcome.succeeded) line["cause"] = CauseName(outcome.cause);
  if (outcome.exit_code) line["exit_code"] = *outcome.exit_code;
  AddHang(line, subject, outcome);
  if (outcome.runner.is_object()) {
    CopyNumber(line, "longest_silence_seconds", outcome.runner, "longestSilenceSeconds");
    CopyNumber(line, "peak_rss_bytes", outcome.runner, "peakRssBytes");
    CopyNumber(line, "cpu_seconds", outcome.runner, "cpuSeconds");
    CopyNumber(line, "output_bytes", outcome.runner, "outputBytes");
    line["phases"] = Phases(outcome.runner);
  }
  const auto text = [&] { return line.dump(-1, ' ', false, json::error_handler_t::replace); };
  std::string whole = text();
  if (whole.size() <= kLineLimit) return whole;
  line.erase("phases");
  return text();
}

std::optional<ResultKey> ParseResultLine(std::string_view line) {
  const json object = json::parse(line, nullptr, false);
  if (!object.is_object()) return std::nullopt;
  const auto text = [&](const char* key) {
    const auto at = object.find(key);
    return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
  };
  const auto attempt = object.find("attempt_count");
  ResultKey key;
  key.build = text("build");
  if (key.build.empty() || attempt == object.end() || !attempt->is_number_integer()) return std::nullopt;
  key.attempt = attempt->get<int>();
  key.succeeded = text("status") == "built";
  if (!key.succeeded) {
    const auto cause = CauseOf(text("cause"));
    if (!cause) return std::nullopt;
    key.cause = *cause;
  }
  key.finished = ParseTime(text("finished_at")).value_or(Time{});
  const auto seconds = object.find("duration_seconds");
  if (seconds != object.end() && seconds->is_number()) key.seconds = seconds->get<double>();
  key.reason = text("reason");
  key.message = text("error");
  const std::string prefix = key.reason + ": ";
  if (key.message.starts_with(prefix)) key.message.erase(0, prefix.size());
  return key;
}

}  // namespace imagebatch::cluster
