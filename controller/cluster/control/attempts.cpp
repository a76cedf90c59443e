// What is seen of the attempts, and to which of them it belongs. What follows from it: attempts_advance.cpp.
#include "cluster/control/attempts.h"

#include <algorithm>
#include <utility>

#include "cluster/objects/names.h"

namespace imagebatch::cluster {
namespace {

using plan::Phase;

}  // namespace

Attempts::Attempts(const batch::Batch& batch, const Builds& builds, RunnerKit& kit, plan::Plan& plan,
                   Channel& channel)
    : batch_(batch),
      builds_(builds),
      plan_(plan),
      client_(batch, builds, kit, channel),
      evidence_(batch, builds, channel),
      verdicts_(batch, builds, channel, evidence_) {}

Attempts::Live* Attempts::Find(const std::string& name) {
  const auto at = live_.find(name);
  return at == live_.end() ? nullptr : &at->second;
}

bool Attempts::HasEnded(uint32_t build, int attempt) const {
  const auto& attempts = plan_.attempts(build);
  return std::any_of(attempts.begin(), attempts.end(), [&](const plan::Attempt& known) {
    return known.number == attempt && known.phase >= Phase::Succeeded;
  });
}

/// `concluded`: what is left of one that has ended.
Attempts::Live& Attempts::Add(const std::string& name, uint32_t build, int attempt, bool concluded) {
  Live& live = live_[name];
  live.build = build;
  live.attempt = attempt;
  live.course.concluded = concluded;
  live.course.stored = concluded && !unstored_.contains(name);
  if (concluded) plan_.Occupy(build);
  return live;
}

void Attempts::Start(const plan::Start& start, Now now) {
  const std::string name = builds_.JobName(start.build, start.attempt);
  Add(name, start.build, start.attempt, false);
  Advance(name, now);
}

// The live attempt of a Job: one that was started here, or one that an earlier process left.
Attempts::Live* Attempts::FindOrAdopt(Change change, const JobView& job, Now now) {
  if (Live* live = Find(job.name)) return live->job || !live->course.concluded ? live : nullptr;
  const auto build = builds_.Find(job.build);
  if (!build || job.attempt < 1) return nullptr;
  if (job.name != builds_.JobName(*build, job.attempt)) return nullptr;  // labels can be copied by anyone
  if (!HasEnded(*build, job.attempt)) return &Add(job.name, *build, job.attempt, false);
  if (Finished(job) || change == Change::Gone) return nullptr;
  // Left over, or the watch lags behind: only a fresh read tells whether it is to be deleted
  Live& left = Add(job.name, *build, job.attempt, true);
  left.course.taken = true;
  Advance(job.name, now);
  return nullptr;
}

// A Pod that may run, of a Job that is not known here: of an attempt that has ended, or of one whose Job
// somebody deleted while no controller ran. Its build waits for it, whatever its Job turns out to be.
Attempts::Live* Attempts::AdoptLeft(const PodView& pod) {
  const auto known = builds_.FindJob(pod.job);
  if (!known) return nullptr;
  Live& live = Add(pod.job, known->first, known->second, true);
  live.course.taken = true;
  return &live;
}

void Attempts::Adopt(ParkedObjects left, const std::vector<ToldVerdict>& told, Now now) {
  left.jobs.TakeEach([&](Change change, const JobView& job) { See(change, job, now); });
  left.pods.TakeEach([&](Change change, const PodView& pod) { See(change, pod, now); });
  for (const ToldVerdict& verdict : told) {
    if (Find(verdict.job) != nullptr) verdicts_.Resume(verdict);
  }
  std::vector<std::string> names;
  for (const auto& [name, live] : live_) names.push_back(name);
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) Advance(name, now);
}

void Attempts::OnJob(Change change, const JobView& job, Now now) {
  if (See(change, job, now) != nullptr) Advance(job.name, now);
}

void Attempts::OnPod(Change change, const PodView& pod, Now now) {
  if (See(change, pod, now) != nullptr) Advance(pod.job, now);
}

// Takes in a view; the live attempt it belongs to, or null where it changes nothing.
Attempts::Live* Attempts::See(Change change, const JobView& job, Now now) {
  if (job.batch_uid != batch_.uid) return nullptr;
  Live* live = FindOrAdopt(change, job, now);
  return live == nullptr ? nullptr : SeeOf(*live, change, job, now);
}

Attempts::Live* Attempts::SeeOf(Live& of, Change change, const JobView& job, Now now) {
  Live* live = &of;
  if (live->job && job.version < live->job->version) return nullptr;  // a reply has told more already
  if (live->job && live->job->uid != job.uid) {  // its name is another's now, so it is gone itself
    if (change == Change::Gone || live->job->gone) return nullptr;
    live->job->gone = true;
    return live;
  }
  live->listed = true;
  if (live->job && live->job->gone && job.version == live->job->version) return nullptr;
  const bool first = !live->job;
  live->job = job;
  live->job->names.reset();
  live->job->gone = change == Change::Gone;
  if (!first) return live;
  if (live->course.concluded &&
      !HasEnded(live->build, live->attempt)) {  // see AdoptLeft: it has not ended at all
    live->course.concluded = live->course.stored = false;
    plan_.Release(live->build);
  }
  if (!live->course.concluded) {
    plan_.Observe(live->build, {live->attempt, Phase::Pending, plan::Cause::Build, {}});
    Advanced(job.created, now);
  }
  for (PodView& pod : std::exchange(live->early, {})) {
    if (pod.job_uid == job.uid) TakePod(*live, std::move(pod), now);
  }
  return live;
}

Attempts::Live* Attempts::See(Change change, const PodView& seen, Now now) {
  if (seen.batch_uid != batch_.uid) return nullptr;
  PodView pod = seen;
  pod.gone = change == Change::Gone;
  Live* live = Find(pod.job);
  if (live == nullptr && MayRun(pod)) live = AdoptLeft(pod);
  if (live == nullptr || (live->job && pod.job_uid != live->job->uid)) return nullptr;
  if (live->job) {
    TakePod(*live, std::move(pod), now);
    return live;
  }
  if (const PodView* early = Early(*live, pod.uid); early != nullptr && early->version > pod.version)
    return live;
  std::erase_if(live->early, [&](const PodView& early) { return early.uid == pod.uid; });
  live->early.push_back(std::move(pod));  // one that is gone too: a read that is under way may still show it
  return live;
}

const PodView* Attempts::Early(const Live& live, const std::string& uid) {
  const auto at = std::find_if(live.early.begin(), live.early.end(),
                               [&](const PodView& early) { return early.uid == uid; });
  return at == live.early.end() ? nullptr : &*at;
}

/// Of two Pods of one Job the one that counts is told by Replaces; once the Job is over, the one that may
/// run.
void Attempts::TakePod(Live& live, PodView pod, Now now) {
  const bool other = live.pod && live.pod->uid != pod.uid;
  if (live.pod && !other && pod.version < live.pod->version) return;
  if (other) {
    const bool known_runs = MayRun(*live.pod), runs = MayRun(pod);
    live.course.others = live.course.others || (known_runs && runs);
    const bool over = live.job->gone || Finished(*live.job);
    if (over && known_runs != runs ? known_runs : !Replaces(pod, *live.pod)) return;
  }
  if (!live.pod || other) live.pod_since = now.steady;
  live.pod = std::move(pod);
  live.pod_listed = true;
}

void Attempts::OnListBegun(Collection collection) {
  for (auto& [name, live] : live_) {
    if (collection == Collection::Jobs) live.listed = false;
    if (collection != Collection::Pods) continue;
    live.pod_listed = false;
    live.early.clear();                          // the list brings them again
    live.look_again = live.asking && !live.job;  // what is being read may be older than the list
  }
}

void Attempts::OnListEnded(Collection collection, Version version, Now now) {
  std::vector<JobView> jobs;
  std::vector<PodView> pods;
  for (const auto& [name, live] : live_) {
    if (collection == Collection::Jobs && !live.listed && live.job && !live.job->gone &&
        live.job->version <= version)
      jobs.push_back(*live.job);
    if (collection == Collection::Pods && !live.pod_listed && live.pod && !live.pod->gone &&
        live.pod->version <= version)
      pods.push_back(*live.pod);
  }
  for (const JobView& job : jobs) OnJob(Change::Gone, job, now);
  for (const PodView& pod : pods) OnPod(Change::Gone, pod, now);
}

}  // namespace imagebatch::cluster
