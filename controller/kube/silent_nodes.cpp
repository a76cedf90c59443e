#include "kube/silent_nodes.h"

#include <algorithm>

#include "base/text.h"

namespace imagebatch::kube {
namespace {

using std::chrono::seconds;

constexpr seconds kFirst(5), kLongest(60);
constexpr seconds kForgotten(3600);  // not asked for so long: the node is no more, or has no builds

}  // namespace

bool SilentNodes::MayAsk(const std::string& node, SteadyTime now) const {
  const auto at = silent_.find(node);
  return at == silent_.end() || (probes_ == 0 && now >= at->second.next_probe);
}

void SilentNodes::NoAnswer(const std::string& node, const std::string& why, SteadyTime now) {
  std::erase_if(silent_, [&](const auto& entry) { return now > entry.second.next_probe + kForgotten; });
  Silence& silence =
      silent_.try_emplace(node, Silence{.since = now, .next_probe = {}, .why = {}}).first->second;
  silence.next_probe = now + std::min<Duration>(kFirst * (1 << std::min(silence.failures, 10)), kLongest);
  ++silence.failures;
  silence.why = Printable(why, 200);
}

std::string SilentNodes::Reason(const std::string& node, SteadyTime now) const {
  const auto at = silent_.find(node);
  if (at == silent_.end()) return "";
  const auto since = std::chrono::duration_cast<seconds>(now - at->second.since).count();
  return "not asked: no logs could be read from node " + Printable(node, 253) + " for " +
         std::to_string(since) + " s (" + at->second.why + ")";
}

}  // namespace imagebatch::kube
