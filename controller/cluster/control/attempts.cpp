// What is seen of the attempts, and to which of them it belongs. What follows from it: attempts_advance.cpp.
#include "cluster/control/attempts.h"

#include <algorithm>
#include <utility>

#include "cluster/objects/names.h"

namespace imagebatch::cluster {
namespace {

using plan::Phase;

/// The name of the Job.
const std::string& AttemptOf(const JobView& job) { return job.name; }
const std::string& AttemptOf(const PodView& pod) { return pod.job; }

}  // namespace

Attempts::Attempts(const batch::Batch& batch, const Builds& builds, RunnerKit& kit, plan::Plan& plan,
                   Channel& channel)
    : batch_(batch),
      builds_(builds),
      plan_(plan),
      client_(batch, builds, kit, channel),
      evidence_(batch, builds, channel),
      pushed_(builds, channel),
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
Attempts::Live* Attempts::FindOrAdopt(const JobSeen& seen, Now now) {
  const JobView& job = seen.view;
  if (Live* live = Find(job.name)) return live->job || !live->course.concluded ? live : nullptr;
  const auto build = builds_.Find(job.build);
  if (!build || job.attempt < 1) return nullptr;
  if (job.name != builds_.JobName(*build, job.attempt)) return nullptr;  // labels can be copied by anyone
  if (!HasEnded(*build, job.attempt)) return &Add(job.name, *build, job.attempt, false);
  if (Finished(job) || seen.change == Change::Gone) return nullptr;
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
  left.jobs.TakeEach([&](const JobSeen& job) { See(job, now); });
  left.pods.TakeEach([&](const PodSeen& pod) { See(pod, now); });
  for (const ToldVerdict& verdict : told) {
    if (Find(verdict.job) != nullptr) verdicts_.Resume(verdict);
  }
  std::vector<std::string> names;
  for (const auto& [name, live] : live_) names.push_back(name);
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) Advance(name, now);
}

void Attempts::Observe(const Observation& seen, Now now) {
  std::visit([&](const auto& each) { On(each, now); }, seen);
}

template <class View>
void Attempts::On(const Seen<View>& seen, Now now) {
  if (See(seen, now) != nullptr) Advance(AttemptOf(seen.view), now);
}

// Takes in a view; the live attempt it belongs to, or null where it changes nothing.
Attempts::Live* Attempts::See(const JobSeen& seen, Now now) {
  if (seen.view.batch_uid != batch_.uid) return nullptr;
  Live* live = FindOrAdopt(seen, now);
  return live == nullptr ? nullptr : SeeOf(*live, seen, now);
}

Attempts::Live* Attempts::SeeOf(Live& of, const JobSeen& seen, Now now) {
  const JobView& job = seen.view;
  Live* live = &of;
  if (live->job && job.version < live->job->version) return nullptr;  // a reply has told more already
  if (live->job && live->job->uid != job.uid) {  // its name is another's now, so it is gone itself
    if (seen.change == Change::Gone || live->job->gone) return nullptr;
    live->job->gone = true;
    return live;
  }
  live->listed = true;
  if (live->job && live->job->gone && job.version == live->job->version) return nullptr;
  const bool first = !live->job;
  live->job = job;
  live->job->names.reset();
  live->job->gone = seen.change == Change::Gone;
  if (!first) return live;
  if (live->course.concluded &&
      !HasEnded(live->build, live->attempt)) {  // see AdoptLeft: it has not ended at all
    live->course.concluded = live->course.stored = false;
    plan_.Release(live->build);
  }
  if (!live->course.concluded) {
    plan_.Observe(live->build, {live->attempt, Phase::Pending, plan::Cause::Build, {}, job.round});
    Advanced(job.created, now);
  }
  for (PodView& pod : std::exchange(live->early, {})) {
    if (pod.job_uid == job.uid) TakePod(*live, std::move(pod), now);
  }
  return live;
}

Attempts::Live* Attempts::See(const PodSeen& seen, Now now) {
  if (seen.view.batch_uid != batch_.uid) return nullptr;
  PodView pod = seen.view;
  pod.gone = seen.change == Change::Gone;
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

void Attempts::On(const ListBegun& begun, Now) {
  for (auto& [name, live] : live_) {
    if (begun.collection == Collection::Jobs) live.listed = false;
    if (begun.collection != Collection::Pods) continue;
    live.pod_listed = false;
    live.early.clear();                          // the list brings them again
    live.look_again = live.asking && !live.job;  // what is being read may be older than the list
  }
}

void Attempts::On(const ListEnded& ended, Now now) {
  const auto [collection, version] = ended;
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
  for (JobView& job : jobs) On(JobSeen{Change::Gone, std::move(job)}, now);
  for (PodView& pod : pods) On(PodSeen{Change::Gone, std::move(pod)}, now);
}

}  // namespace imagebatch::cluster
