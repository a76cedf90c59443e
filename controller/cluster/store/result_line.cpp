#include "cluster/store/result_line.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.h"
#include "cluster/objects/json_fields.h"
#include "cluster/objects/names.h"
#include "contract/contract.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;
namespace key = contract::key;

constexpr size_t kPhases = 12;
constexpr size_t kLineLimit = 4096;
constexpr const char* kSkipped = "skipped_remote_exists";

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

/// False: it is no number that a build may count by.
bool ReadNumber(sj::value value, int& number) {
  const auto read = Integer(value);
  if (!read || *read < 0 || *read > std::numeric_limits<int>::max()) return false;
  number = static_cast<int>(*read);
  return true;
}

json TimeOrNull(Time time) { return time == Time{} ? json() : json(FormatTime(time)); }

/// A number of the runner's account under a name of ours; left out where there is none.
void CopyNumber(json& line, const char* to, const json& runner, const char* from) {
  const auto at = runner.find(from);
  if (at != runner.end() && at->is_number()) line[to] = *at;
}

json Phases(const json& runner) {
  json phases = json::array();
  const auto at = runner.find(key::kPhases);
  if (at == runner.end() || !at->is_array()) return phases;
  for (const json& phase : *at) {
    if (phases.size() == kPhases) break;
    if (!phase.is_object() || !phase.contains(key::kName) || !phase[key::kName].is_string()) continue;
    if (!phase.contains(key::kSeconds) || !phase[key::kSeconds].is_number()) continue;
    phases.push_back(
        {{"name", Printable(phase[key::kName].get<std::string>(), 80)}, {"seconds", phase[key::kSeconds]}});
  }
  return phases;
}

/// What kind of hang it was, since when, and where the evidence is.
void AddHang(json& line, const ResultSubject& subject, const Outcome& outcome) {
  const std::optional<Verdict> hang = HangAtEnd(outcome, subject.verdict);
  if (!hang) return;
  line["class"] = hang->class_name;
  if (!hang->reason.empty()) line["hang_reason"] = hang->reason;
  line["hung_since"] = TimeOrNull(hang->since);
  line["fingerprint"] = hang->alike.fingerprint;
  line["summary"] = hang->alike.summary;
  if (!subject.evidence.sha256.empty()) line["evidence_sha256"] = subject.evidence.sha256;
  if (!subject.evidence.record.empty()) line["evidence_record"] = subject.evidence.record;
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
  if (!outcome.digest.empty()) line["digest"] = outcome.digest;
  if (subject.round > 0) line["round"] = subject.round;
  if (!outcome.succeeded) line["cause"] = CauseName(outcome.cause);
  if (outcome.exit_code) line["exit_code"] = *outcome.exit_code;
  if (!outcome.log_end.empty()) line["log_end"] = outcome.log_end;
  AddHang(line, subject, outcome);
  if (!subject.hangs.empty()) line["hangs"] = subject.hangs;
  if (outcome.runner.is_object()) {
    CopyNumber(line, "longest_silence_seconds", outcome.runner, key::kLongestSilence);
    CopyNumber(line, "peak_rss_bytes", outcome.runner, key::kPeakRss);
    CopyNumber(line, "cpu_seconds", outcome.runner, key::kCpu);
    CopyNumber(line, "output_bytes", outcome.runner, key::kOutputBytes);
    line["phases"] = Phases(outcome.runner);
  }
  const auto text = [&] { return line.dump(-1, ' ', false, json::error_handler_t::replace); };
  std::string whole = text();
  for (const char* less_important : {"phases", "log_end"}) {
    if (whole.size() <= kLineLimit) return whole;
    line.erase(less_important);
    whole = text();
  }
  return whole;
}

std::string SkippedLine(const ResultSubject& subject, const std::string& digest, Time now) {
  const json line = {{"time", FormatTime(now)}, {"stage", subject.stage},
                     {"name", subject.name},    {"tags", {subject.image}},
                     {"status", kSkipped},      {"skip_reason", "the image exists"},
                     {"digest", digest},        {"error", json()},
                     {"class", json()},         {"attempt_count", 0},
                     {"started_at", json()},    {"finished_at", FormatTime(now)},
                     {"duration_seconds", 0},   {"build", subject.build_hash}};
  return line.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<ResultKey> ParseResultLine(std::string_view line) {
  ResultKey key;
  std::string status, cause, fingerprint, summary;
  Verdict hang;
  bool numbered = false;
  const bool whole = WithRoot(line, [&](sj::value root) {
    Fields(root, [&](std::string_view field, sj::value value) {
      if (field == "build") key.build = Text(value);
      if (field == "stage") key.stage = Text(value);
      if (field == "name") key.name = Text(value);
      if (field == "status") status = Text(value);
      if (field == "cause") cause = Text(value);
      if (field == "reason") key.reason = Text(value);
      if (field == "error") key.message = Text(value);
      if (field == "finished_at") key.finished = When(value);
      if (field == "duration_seconds" && value.get_double().get(key.seconds)) key.seconds = 0;
      if (field == "class") hang.class_name = Text(value);
      if (field == "hang_reason") hang.reason = Text(value);
      if (field == "hung_since") hang.since = When(value);
      if (field == "fingerprint") fingerprint = Text(value);
      if (field == "summary") summary = Text(value);
      if (field == "attempt_count") numbered = ReadNumber(value, key.attempt);
      if (field == "round") ReadNumber(value, key.round);
      if (field == "hangs") {
        Fields(value, [&](std::string_view class_name, sj::value count) {
          if (const auto times = Integer(count)) AddHangs(key.hangs, class_name, *times);
        });
      }
    });
  });
  if (!whole || key.build.empty() || !numbered) return std::nullopt;
  key.succeeded = status == "built";
  key.skipped = status == kSkipped;
  if (!hang.class_name.empty()) {
    hang.alike = AlikeOf(std::move(fingerprint), summary, hang.class_name, hang.reason);
    key.verdict = std::move(hang);
  }
  if (!key.succeeded && !key.skipped) {
    const auto known = CauseOf(cause);
    if (!known) return std::nullopt;
    key.cause = *known;
  }
  const std::string prefix = key.reason + ": ";
  if (key.message.starts_with(prefix)) key.message.erase(0, prefix.size());
  return key;
}

}  // namespace imagebatch::cluster
