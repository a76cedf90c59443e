#include "metrics/hang_samples.h"

#include <algorithm>
#include <map>
#include <string>

namespace imagebatch::metrics {
namespace {

/// Of each batch, groups beyond so many are one of their class, whose fingerprint is "other".
constexpr size_t kMostGroups = 20;

Samples ByClass(const Snapshot& snapshot, std::map<std::string, int64_t> BatchSample::*counts) {
  Samples out;
  for (const auto& batch : snapshot.batches) {
    for (const auto& [class_name, count] : (*batch).*counts) {
      out.push_back(Gauge({{"namespace", batch->ns}, {"batch", batch->name}, {"class", class_name}},
                          static_cast<double>(count)));
    }
  }
  return out;
}

}  // namespace

Samples BuildsHung(const Snapshot& snapshot) { return ByClass(snapshot, &BatchSample::hung_by_class); }
Samples BuildsStalled(const Snapshot& snapshot) { return ByClass(snapshot, &BatchSample::stalled_by_class); }

Samples Hangs(const Snapshot& snapshot) {
  Samples out;
  for (const auto& batch : snapshot.batches) {
    for (const auto& [class_name, count] : batch->hangs) {
      out.push_back(Counter({{"namespace", batch->ns}, {"batch", batch->name}, {"class", class_name}},
                            static_cast<uint64_t>(count)));
    }
  }
  return out;
}

Samples HungBuildSince(const Snapshot& snapshot) {
  Samples out;
  for (const auto& batch : snapshot.batches) {
    for (const auto& hung : batch->hung) {
      out.push_back(Gauge({{"namespace", batch->ns},
                           {"batch", batch->name},
                           {"stage", hung.stage},
                           {"build", hung.build},
                           {"class", hung.class_name},
                           {"fingerprint", hung.fingerprint},
                           {"pod", hung.pod},
                           {"node", hung.node}},
                          UnixSeconds(hung.since)));
    }
  }
  return out;
}

Samples HangInfo(const Snapshot& snapshot) {
  Samples out;
  for (const auto& batch : snapshot.batches) {
    for (size_t index = 0; index < std::min(kMostGroups, batch->hang_groups.size()); ++index) {
      const HangGroup& group = batch->hang_groups[index];
      out.push_back(Gauge({{"namespace", batch->ns},
                           {"batch", batch->name},
                           {"class", group.class_name},
                           {"fingerprint", group.fingerprint},
                           {"summary", group.summary}},
                          1));
    }
  }
  return out;
}

Samples HangGroupBuilds(const Snapshot& snapshot) {
  Samples out;
  for (const auto& batch : snapshot.batches) {
    std::map<std::string, int64_t> others;  // by class
    const auto add = [&](const std::string& class_name, const std::string& fingerprint, int64_t hanging) {
      out.push_back(Gauge({{"namespace", batch->ns},
                           {"batch", batch->name},
                           {"class", class_name},
                           {"fingerprint", fingerprint}},
                          static_cast<double>(hanging)));
    };
    for (size_t index = 0; index < batch->hang_groups.size(); ++index) {
      const HangGroup& group = batch->hang_groups[index];
      if (index < kMostGroups) {
        add(group.class_name, group.fingerprint, group.hanging);
      } else if (group.hanging > 0) {
        others[group.class_name] += group.hanging;
      }
    }
    for (const auto& [class_name, hanging] : others) add(class_name, "other", hanging);
  }
  return out;
}

Samples WatchedPods(const Snapshot& snapshot) {
  Samples out;
  if (!snapshot.pods) return out;
  for (const auto& [ns, of] : snapshot.pods->namespaces) {
    out.push_back(Gauge({{"namespace", ns}, {"watched", "true"}}, static_cast<double>(of.watched)));
    out.push_back(Gauge({{"namespace", ns}, {"watched", "false"}}, static_cast<double>(of.unwatched)));
  }
  return out;
}

Samples WatchedPodsHung(const Snapshot& snapshot) {
  Samples out;
  if (!snapshot.pods) return out;
  for (const auto& [ns, of] : snapshot.pods->namespaces) {
    for (const auto& [class_name, count] : of.hung_by_class)
      out.push_back(Gauge({{"namespace", ns}, {"class", class_name}}, static_cast<double>(count)));
  }
  return out;
}

Samples WatchedPodHungSince(const Snapshot& snapshot) {
  Samples out;
  if (!snapshot.pods) return out;
  for (const auto& hung : snapshot.pods->hung) {
    out.push_back(Gauge({{"namespace", hung.ns},
                         {"pod", hung.pod},
                         {"container", hung.container},
                         {"class", hung.class_name},
                         {"owner_kind", hung.owner_kind},
                         {"owner_name", hung.owner_name},
                         {"node", hung.node}},
                        UnixSeconds(hung.since)));
  }
  return out;
}

}  // namespace imagebatch::metrics
