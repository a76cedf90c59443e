#include "cluster/feeds.h"

#include <random>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "cluster/names.h"
#include "cluster/parse.h"

namespace imagebatch::cluster {
namespace {

const char* ResourceOf(Collection collection) {
  switch (collection) {
    case Collection::Batches:
      return "imagebatches";
    case Collection::Jobs:
      return "jobs";
    case Collection::Pods:
      return "pods";
  }
  return "";
}

std::string PathOf(Collection collection, const std::string& ns) {
  const std::string api = collection == Collection::Batches ? "/apis/" + std::string(kApiVersion)
                          : collection == Collection::Jobs  ? "/apis/batch/v1"
                                                            : "/api/v1";
  return api + (ns.empty() ? "/" : "/namespaces/" + ns + "/") + ResourceOf(collection);
}

/// Nothing for text that is no such object.
std::optional<Event> Parse(Collection collection, Change change, std::string_view text) {
  if (collection == Collection::Jobs) {
    if (auto job = ParseJob(text)) return JobSeen{change, std::move(*job)};
  } else if (collection == Collection::Pods) {
    if (auto pod = ParsePod(text)) return PodSeen{change, std::move(*pod)};
  } else {
    auto object = nlohmann::json::parse(text, nullptr, false);
    if (object.is_object() && object.contains("metadata")) return BatchSeen{change, std::move(object)};
  }
  return std::nullopt;
}

}  // namespace

class Feeds::Sink final : public kube::WatchSink {
 public:
  Sink(Collection collection, const Clock& clock, std::function<void(Event)> push)
      : collection_(collection), clock_(clock), push_(std::move(push)) {
    for (const auto reason :
         {kube::RestartReason::Gone, kube::RestartReason::Ended, kube::RestartReason::Idle,
          kube::RestartReason::Failed, kube::RestartReason::Broken}) {
      sample_.restarts[kube::Label(reason)] = 0;
    }
    sample_.resource = ResourceOf(collection);
  }

  void OnListBegin() override { push_(ListBegun{collection_}); }

  void OnObject(kube::Change change, std::string_view json) override {
    Alive();
    const Change seen = change == kube::Change::Deleted ? Change::Gone : Change::Upsert;
    if (auto event = Parse(collection_, seen, json)) return push_(std::move(*event));
    log::Error("the API server sent an object that cannot be read (" + sample_.resource +
               "): " + Printable(json, 200));
  }

  void OnListEnd(const std::string& resource_version) override {
    Alive();
    push_(ListEnded{collection_, ParseVersion(resource_version)});
  }

  void OnBookmark(const std::string&) override { Alive(); }

  void OnRestart(kube::RestartReason reason, const std::string& detail) override {
    log::Debug("the watch of " + sample_.resource + " begins anew: " + detail);
    const std::scoped_lock lock(mutex_);
    ++sample_.restarts[kube::Label(reason)];
  }

  void OnHealth(bool healthy, const std::string& detail) override {
    if (healthy) {
      log::Info("watching " + sample_.resource);
    } else {
      log::Warn("cannot watch " + sample_.resource + ": " + detail);
    }
  }

  metrics::WatchSample Sample() const {
    const std::scoped_lock lock(mutex_);
    return sample_;
  }

 private:
  void Alive() {
    const std::scoped_lock lock(mutex_);
    sample_.last_event = clock_.Now();
  }

  const Collection collection_;
  const Clock& clock_;
  const std::function<void(Event)> push_;
  mutable std::mutex mutex_;
  metrics::WatchSample sample_;
};

Feeds::Feeds(kube::ApiClient& client, const std::string& ns, const Clock& clock,
             std::function<void(Event)> push) {
  std::random_device seed;
  for (const Collection collection : {Collection::Batches, Collection::Jobs, Collection::Pods}) {
    sinks_.push_back(std::make_unique<Sink>(collection, clock, push));
    // An ImageBatch with inline rows may have a megabyte, and a page has to fit into one reply
    const bool large = collection == Collection::Batches;
    kube::Collection watched{PathOf(collection, ns), large ? "" : std::string(kBatchUidLabel),
                             large ? 20 : 500};
    reflectors_.push_back(
        std::make_unique<kube::Reflector>(client, std::move(watched), *sinks_.back(), seed()));
  }
}

Feeds::~Feeds() = default;

std::vector<metrics::WatchSample> Feeds::Sample() const {
  std::vector<metrics::WatchSample> samples;
  for (const auto& sink : sinks_) samples.push_back(sink->Sample());
  return samples;
}

}  // namespace imagebatch::cluster
