#include "cluster/pods/watched_pods.h"

#include <algorithm>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "base/keep_sooner.h"
#include "base/text.h"
#include "cluster/objects/hang_classes.h"
#include "cluster/objects/reply.h"

namespace imagebatch::cluster {
namespace {

using std::chrono::seconds;

constexpr size_t kShown = 100;  // hung Pods in metrics, the oldest
constexpr seconds kNoLimit(0);  // of silence: that is the runner's own affair
constexpr const char* kHelp = "; see docs/any-job.md, or remove the label imagebatch.dev/watch";

bool Runs(const PodView& pod) {
  return !pod.over && !pod.deleting && pod.build && pod.build->state == ContainerView::State::Running;
}

/// Its readiness has not changed since its container began: no probe of this container was ever answered.
bool NeverReady(const PodView& pod) { return pod.build && pod.ready_changed <= pod.build->started; }

/// Why a Pod cannot be watched, and what to do; nothing where it can.
std::string Unwatchable(const WatchedPod& watched) {
  const std::string container = "container " + Quote(watched.pod.container);
  switch (watched.wrapping) {
    case Wrapping::Whole:
      return {};
    case Wrapping::NoCommand:
      return container +
             " has no command, so the runner cannot be put before it. Give it one, such as its "
             "image's entrypoint";
    case Wrapping::NoMarker:
      return "no container has the variable IMAGEBATCH_MARKER from metadata.uid. Put imagebatch-runner "
             "before "
             "the command and set the variable";
    case Wrapping::NoProbe:
      return container + " has no readinessProbe. Add one that asks the runner for /progress";
    case Wrapping::OtherProbe:
      return container + " has a readinessProbe that does not ask the runner. Let it ask for /progress";
  }
  return {};
}

/// Tells a verdict from others on this Pod, also after a restart: the runner's own time, or, where the runner
/// is silent, that of the last answer.
std::string What(const PodView& pod, const Verdict& verdict) {
  const bool of_runner = verdict.class_name != kUnobservedClass;
  return verdict.class_name + "/" + FormatTime(of_runner ? verdict.since : pod.ready_changed);
}

}  // namespace

WatchedPods::WatchedPods(Requests& requests)
    : channel_(requests), events_(channel_), evidence_(channel_, [this](const std::string& uid) {
        const auto at = pods_.find(uid);
        if (at == pods_.end()) return WatchedEvidence::Subject{};
        return WatchedEvidence::Subject{&at->second.seen, at->second.hang.evidence()};
      }) {}

void WatchedPods::Observe(const WatchedPodSeen& seen, Now now) {
  const std::string& uid = seen.view.pod.uid;
  if (seen.change == Change::Gone) return Forget(uid);
  const auto [at, added] = pods_.try_emplace(uid);
  Entry& entry = at->second;
  entry.listed = true;
  if (!added && seen.view.pod.version < entry.seen.pod.version) return;
  entry.seen = seen.view;
  if (added) Changed();
  Look(uid, entry, now);
}

void WatchedPods::OnListBegun() {
  for (auto& [uid, entry] : pods_) entry.listed = false;
}

void WatchedPods::OnListEnded(Version version) {
  std::vector<std::string> gone;
  for (const auto& [uid, entry] : pods_) {
    if (!entry.listed && entry.seen.pod.version <= version) gone.push_back(uid);
  }
  for (const std::string& uid : gone) Forget(uid);
}

void WatchedPods::Forget(const std::string& uid) {
  if (pods_.erase(uid) == 0) return;
  timers_.Set(uid, std::nullopt);
  Changed();
}

void WatchedPods::Look(const std::string& uid, Entry& entry, Now now) {
  const PodView& pod = entry.seen.pod;
  const bool runs = Runs(pod);
  const Time started = runs ? pod.build->started : Time{};
  if (!runs || started != entry.started) {  // it has ended, or is another container
    if (entry.started != Time{} || runs) Changed();
    entry.started = started;
    entry.hang = HangWatch();
    entry.told.reset();
    timers_.Set(uid, std::nullopt);
  }
  const std::string why = pod.over || pod.deleting ? std::string() : Unwatchable(entry.seen);
  if (!why.empty()) return TellUnwatched(entry, why, now);
  if (!runs || entry.seen.wrapping != Wrapping::Whole) return;
  if (auto request = entry.hang.Look(pod, kNoLimit, now)) ReadLog(uid, entry, std::move(*request));
  Show(uid, entry, now);
  timers_.Set(uid, entry.hang.Next());
}

void WatchedPods::ReadLog(const std::string& uid, const Entry& entry, kube::Request request) {
  channel_.Send({Purpose::ReadLog, entry.seen.pod.name}, std::move(request),
                [this, uid, started = entry.started](const Result<kube::Response>& response, Now now) {
                  const auto at = pods_.find(uid);
                  if (at == pods_.end() || at->second.started != started) return;
                  at->second.hang.OnLog(
                      Ok(response) ? response : Result<kube::Response>(Fail(ErrorMessage(response))), now);
                  Look(uid, at->second, now);
                });
}

// Brings what is told of a Pod to what its watch says.
void WatchedPods::Show(const std::string& uid, Entry& entry, Now now) {
  const PodView& pod = entry.seen.pod;
  const std::optional<Verdict> verdict = entry.hang.verdict();
  if (!verdict) {
    if (pod.build->ready && std::exchange(entry.unwatched, false)) Changed();  // it took its time
    if (!entry.told || entry.hang.undecided()) return;
    if (entry.budget.Take(now.steady))
      events_.Normal("PodRecovered", pod, What(pod, *entry.told) + FormatTime(pod.ready_changed),
                     "container " + Quote(pod.container) + " is making progress again", now);
    entry.told.reset();
    return Changed();
  }
  // Nobody knows what it is that does not answer: that is no hang
  if (verdict->class_name == kUnobservedClass && NeverReady(pod))
    return TellUnwatched(entry,
                         "the runner of container " + Quote(pod.container) +
                             " has not answered since it started (" + verdict->message +
                             "). Its command must " +
                             "begin with imagebatch-runner, and --listen have the port of the readinessProbe",
                         now);
  const bool news =
      !entry.told || entry.told->class_name != verdict->class_name || entry.told->since != verdict->since;
  entry.told = *verdict;
  if (!news) return;
  Changed();
  const bool kept = entry.hang.evidence() != nullptr;
  if (kept) evidence_.Keep(uid);
  if (!entry.budget.Take(now.steady)) return;
  events_.Warning("PodHung", pod, What(pod, *verdict),
                  "container " + Quote(pod.container) + " hangs (" + verdict->class_name + ", " +
                      verdict->reason + "): " + verdict->message +
                      (kept ? "; evidence in ImageBatchRecord " + RecordNameOf(entry.seen) : std::string()),
                  now);
}

void WatchedPods::TellUnwatched(Entry& entry, const std::string& why, Now now) {
  if (std::exchange(entry.unwatched, true)) return;
  Changed();
  events_.Warning("NotWatched", entry.seen.pod, "", "not watched: " + why + kHelp, now);
}

void WatchedPods::TellRefused(Now now) {
  for (const auto& [uid, message] : evidence_.TakeRefused()) {
    const auto at = pods_.find(uid);
    if (at == pods_.end()) continue;
    const WatchedPod& seen = at->second.seen;
    events_.Warning("EvidenceNotStored", seen.pod, "",
                    "ImageBatchRecord " + RecordNameOf(seen) +
                        " with the evidence of a hang could not be stored: " + message,
                    now);
  }
}

void WatchedPods::Step(Now now) {
  for (const std::string& uid : timers_.TakeDue(now.steady)) Look(uid, pods_.at(uid), now);
  evidence_.Step(now);
  TellRefused(now);
  events_.Step(now);
}

std::optional<SteadyTime> WatchedPods::Next() const {
  std::optional<SteadyTime> next = timers_.Next();
  KeepSooner(next, evidence_.Next());
  KeepSooner(next, events_.Next());
  return next;
}

std::shared_ptr<const metrics::PodsSample> WatchedPods::Sample() {
  if (sample_) return sample_;
  metrics::PodsSample sample;
  std::vector<const Entry*> hung;
  for (const auto& [uid, entry] : pods_) {
    if (entry.started == Time{}) continue;
    auto [at, added] = sample.namespaces.try_emplace(entry.seen.pod.ns);
    if (added) {
      for (const std::string_view name : kHangClasses) at->second.hung_by_class.emplace(name, 0);
    }
    ++(entry.unwatched && !entry.told ? at->second.unwatched : at->second.watched);
    if (!entry.told) continue;
    ++at->second.hung_by_class[entry.told->class_name];
    hung.push_back(&entry);
  }
  const size_t shown = std::min(hung.size(), kShown);
  const auto older = [](const Entry* a, const Entry* b) {
    return std::tie(a->told->since, a->seen.pod.uid) < std::tie(b->told->since, b->seen.pod.uid);
  };
  std::partial_sort(hung.begin(), hung.begin() + static_cast<std::ptrdiff_t>(shown), hung.end(), older);
  for (size_t i = 0; i < shown; ++i) {
    const auto& [pod, owner, wrapping] = hung[i]->seen;
    sample.hung.push_back({pod.ns, pod.name, pod.container, hung[i]->told->class_name, owner.kind, owner.name,
                           pod.node, hung[i]->told->since});
  }
  sample_ = std::make_shared<const metrics::PodsSample>(std::move(sample));
  return sample_;
}

}  // namespace imagebatch::cluster
