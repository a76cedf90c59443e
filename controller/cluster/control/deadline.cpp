#include "cluster/control/deadline.h"

#include <algorithm>

#include "cluster/store/status_object.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;

struct Suspended {
  bool is = false;
  std::optional<Time> since;  // of either
};

Suspended SuspensionIn(const json& status) {
  const auto conditions = status.find("conditions");
  if (conditions == status.end() || !conditions->is_array()) return {};
  for (const json& condition : *conditions) {
    if (condition.value("type", "") != "Suspended") continue;
    return {condition.value("status", "") == "True", ParseTime(condition.value("lastTransitionTime", ""))};
  }
  return {};
}

}  // namespace

std::optional<Time> Deadline(const batch::Batch& batch, std::optional<Time> start,
                             std::optional<Time> completion, const json& status) {
  if (!start || batch.active_deadline_seconds <= 0) return std::nullopt;
  const Suspended told = SuspensionIn(status);
  if (!completion && (batch.suspend || told.is)) return std::nullopt;
  Time from = *start;
  const bool counts = !told.is && told.since && (!completion || *told.since <= *completion);
  if (counts) from = std::max(from, *told.since);
  if (const auto rerun = RerunIn(status).since) from = std::max(from, *rerun);
  return from + std::chrono::seconds(batch.active_deadline_seconds);
}

}  // namespace imagebatch::cluster
