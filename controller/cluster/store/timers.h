#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"

namespace imagebatch::cluster {

/// At most one timer for each name.
class Timers {
 public:
  /// Replaces the timer of `name`; nothing: it has none.
  void Set(const std::string& name, std::optional<SteadyTime> at) {
    const auto old = at_.find(name);
    if (old != at_.end()) {
      if (at == old->second) return;
      queue_.erase({old->second, name});
      at_.erase(old);
    }
    if (!at) return;
    at_.emplace(name, *at);
    queue_.emplace(*at, name);
  }

  /// The names whose timers are due, each once and no more after this; costs what is due.
  std::vector<std::string> TakeDue(SteadyTime now) {
    std::vector<std::string> due;
    while (!queue_.empty() && queue_.begin()->first <= now) {
      due.push_back(queue_.begin()->second);
      at_.erase(due.back());
      queue_.erase(queue_.begin());
    }
    return due;
  }

  std::optional<SteadyTime> Next() const {
    return queue_.empty() ? std::nullopt : std::optional(queue_.begin()->first);
  }

 private:
  std::map<std::string, SteadyTime> at_;
  std::set<std::pair<SteadyTime, std::string>> queue_;
};

}  // namespace imagebatch::cluster
