#include "loop/feeds.h"

#include <random>
#include <utility>

#include "base/mutex.h"
#include "base/text.h"
#include "batch/read.h"
#include "cluster/objects/names.h"
#include "cluster/objects/parse.h"
#include "log/log.h"

namespace imagebatch::cluster {
namespace {

/// Its name in metrics and words.
const char* NameOf(Collection collection) {
  switch (collection) {
    case Collection::Batches:
      return "imagebatches";
    case Collection::Jobs:
      return "jobs";
    case Collection::Pods:
      return "pods";
    case Collection::WatchedPods:
      return "labelled_pods";
  }
  return "";
}

const char* ResourceOf(Collection collection) {
  return NameOf(collection == Collection::WatchedPods ? Collection::Pods : collection);
}

/// Which of its objects are seen: labels.
std::string SelectorOf(Collection collection) {
  switch (collection) {
    case Collection::Batches:
      return {};
    case Collection::Jobs:
    case Collection::Pods:
      return std::string(kBatchUidLabel);
    case Collection::WatchedPods:
      return std::string(kWatchLabel).append("=true,!").append(kBatchUidLabel);
  }
  return {};
}

Purpose PurposeOf(Collection collection) {
  switch (collection) {
    case Collection::Batches:
      return Purpose::WatchBatches;
    case Collection::Jobs:
      return Purpose::WatchJobs;
    case Collection::Pods:
      return Purpose::WatchPods;
    case Collection::WatchedPods:
      return Purpose::WatchLabelledPods;
  }
  return Purpose::WatchBatches;
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
  } else if (collection == Collection::WatchedPods) {
    if (auto pod = ParseWatchedPod(text)) return WatchedPodSeen{change, std::move(*pod)};
  } else {
    if (auto object = batch::ReadStored(text)) return BatchSeen{change, std::move(*object)};
  }
  return std::nullopt;
}

}  // namespace

class Feeds::Sink final : public kube::WatchSink {
 public:
  Sink(Collection collection, const Clock& clock, std::function<void(Event)> push)
      : collection_(collection), resource_(NameOf(collection)), clock_(clock), push_(std::move(push)) {
    for (const auto reason :
         {kube::RestartReason::Gone, kube::RestartReason::Ended, kube::RestartReason::Idle,
          kube::RestartReason::Failed, kube::RestartReason::Broken}) {
      sample_.restarts[kube::Label(reason)] = 0;
    }
    sample_.resource = resource_;
  }

  void OnListBegin() override { push_(ListBegun{collection_}); }

  void OnObject(kube::Change change, std::string_view json) override {
    Alive();
    const Change seen = change == kube::Change::Deleted ? Change::Gone : Change::Upsert;
    if (auto event = Parse(collection_, seen, json)) return push_(std::move(*event));
    log::Error("the API server sent an object that cannot be read (" + resource_ +
               "): " + Printable(json, 200));
  }

  void OnListEnd(const std::string& resource_version) override {
    Alive();
    push_(ListEnded{collection_, ParseVersion(resource_version)});
  }

  void OnBookmark(const std::string&) override { Alive(); }

  void OnRestart(kube::RestartReason reason, const std::string& detail) override {
    log::Debug("the watch of " + resource_ + " begins anew: " + detail);
    const MutexLock lock(mutex_);
    ++sample_.restarts[kube::Label(reason)];
  }

  void OnHealth(bool healthy, const std::string& detail) override {
    const MutexLock lock(mutex_);
    if (quiet_) return;
    if (healthy) {
      failing_since_.reset();
      log::Info("watching " + resource_);
    } else {
      failing_since_ = clock_.Now();
      refusal_ = "cannot watch " + resource_ + ": " + Printable(detail, 1024);
      log::Warn(refusal_);
    }
  }

  void Quiet() {
    const MutexLock lock(mutex_);
    quiet_ = true;
  }

  Purpose purpose() const { return PurposeOf(collection_); }
  std::optional<Time> failing_since() const {
    const MutexLock lock(mutex_);
    return failing_since_;
  }

  /// See Feeds::Blind.
  std::optional<std::string> Blind(Time now) const {
    constexpr std::chrono::minutes kRefused(1), kSilent(10);
    const MutexLock lock(mutex_);
    if (failing_since_ && now >= *failing_since_ + kRefused) return refusal_;
    if (!sample_.last_event || now < *sample_.last_event + kSilent) return std::nullopt;
    const auto silent = std::chrono::duration_cast<std::chrono::seconds>(now - *sample_.last_event);
    return "the watch of " + resource_ + " has said nothing for " + std::to_string(silent.count()) + " s";
  }

  metrics::WatchSample Sample() const {
    const MutexLock lock(mutex_);
    return sample_;
  }

 private:
  void Alive() {
    const MutexLock lock(mutex_);
    sample_.last_event = clock_.Now();
  }

  const Collection collection_;
  const std::string resource_;
  const Clock& clock_;
  const std::function<void(Event)> push_;
  mutable Mutex mutex_;
  metrics::WatchSample sample_ GUARDED_BY(mutex_);
  std::optional<Time> failing_since_ GUARDED_BY(mutex_);
  std::string refusal_ GUARDED_BY(mutex_);
  bool quiet_ GUARDED_BY(mutex_) = false;
};

Feeds::Feeds(kube::ApiClient& client, const std::string& ns, const Clock& clock,
             const std::function<void(Event)>& push) {
  std::random_device seed;
  for (const Collection collection :
       {Collection::Batches, Collection::Jobs, Collection::Pods, Collection::WatchedPods}) {
    sinks_.push_back(std::make_unique<Sink>(collection, clock, push));
    // An ImageBatch with inline rows may have a megabyte, and a page has to fit into one reply
    const bool large = collection == Collection::Batches;
    kube::Collection watched{PathOf(collection, ns), SelectorOf(collection), large ? 20 : 200};
    reflectors_.push_back(
        std::make_unique<kube::Reflector>(client, std::move(watched), *sinks_.back(), seed()));
  }
}

Feeds::~Feeds() = default;

std::optional<std::string> Feeds::Blind(Time now) const {
  for (const auto& sink : sinks_) {
    if (auto why = sink->Blind(now)) return why;
  }
  return std::nullopt;
}

std::map<Purpose, Time> Feeds::FailingSince() const {
  std::map<Purpose, Time> failing;
  for (const auto& sink : sinks_) {
    if (const auto since = sink->failing_since()) failing.emplace(sink->purpose(), *since);
  }
  return failing;
}

void Feeds::Quiet() {
  for (const auto& sink : sinks_) sink->Quiet();
}

std::vector<metrics::WatchSample> Feeds::Sample() const {
  std::vector<metrics::WatchSample> samples;
  for (const auto& sink : sinks_) samples.push_back(sink->Sample());
  return samples;
}

}  // namespace imagebatch::cluster
