#include "cluster/pods/watched_evidence.h"

#include <algorithm>

#include "base/keep_sooner.h"
#include "cluster/objects/log_lines.h"
#include "cluster/objects/names.h"
#include "cluster/objects/record.h"
#include "cluster/objects/reply.h"

namespace imagebatch::cluster {
namespace {

constexpr int kTries = 3;

std::string HashOf(const WatchedPod& watched) { return BuildHash(watched.pod.uid, "", ""); }

}  // namespace

std::string RecordNameOf(const WatchedPod& watched) {
  return EvidenceName(watched.owner.name, HashOf(watched), 1);
}

void WatchedEvidence::Keep(const std::string& uid) {
  if (std::find(waiting_.begin(), waiting_.end(), uid) == waiting_.end()) waiting_.push_back(uid);
}

// One of a controller at a time, or they would count its records beside one another. False: not now.
bool WatchedEvidence::Begin(const std::string& uid) {
  const Subject subject = find_(uid);
  if (subject.pod == nullptr || subject.evidence == nullptr) return true;
  const std::string& owner = subject.pod->owner.uid;
  const bool busy = std::any_of(tasks_.begin(), tasks_.end(),
                                [&](const auto& entry) { return entry.second.owner == owner; });
  if (busy) return false;
  Task& task = tasks_[uid];
  task.id = ++last_id_;
  task.owner = owner;
  task.pod = subject.pod->pod;
  task.text = {HashOf(*subject.pod), 1, {}, subject.pod->pod.name, subject.evidence->json, {}, false};
  task.store = std::make_unique<EvidenceStore>(OwnerOf(*subject.pod), channel_);
  Read(uid, task);
  return true;
}

void WatchedEvidence::Step(Now now) {
  std::erase_if(tasks_, [](const auto& entry) { return entry.second.done; });
  for (auto next = waiting_.begin(); next != waiting_.end() && tasks_.size() < kAtOnce;)
    next = Begin(*next) ? waiting_.erase(next) : std::next(next);
  for (auto& [uid, task] : tasks_) {
    if (task.read) task.store->Step(now);
    if (!task.read && !task.reading && task.backoff.Due(now.steady)) Read(uid, task);
  }
}

std::optional<SteadyTime> WatchedEvidence::Next() const {
  std::optional<SteadyTime> next;
  for (const auto& [uid, task] : tasks_) {
    if (task.done) return SteadyTime{};
    if (task.read) {
      KeepSooner(next, task.store->Next());
    } else if (!task.reading) {
      KeepSooner(next, task.backoff.next());
    }
  }
  return next;
}

void WatchedEvidence::Read(const std::string& uid, Task& task) {
  task.reading = true;
  channel_.Send({Purpose::ReadLog, task.pod.name}, task.end.Next(task.pod),
                [this, uid, id = task.id](const Result<kube::Response>& response, Now now) {
                  const auto at = tasks_.find(uid);
                  if (at == tasks_.end() || at->second.id != id) return;
                  OnEnd(at->second, response, now);
                  if (!at->second.read) return;
                  at->second.store->Put(std::move(at->second.text),
                                        [this, uid](const std::string& refusal, Now) {
                                          tasks_.at(uid).done = true;
                                          if (!refusal.empty()) refused_.push_back({uid, refusal});
                                        });
                });
}

void WatchedEvidence::OnEnd(Task& task, const Result<kube::Response>& response, Now now) {
  task.reading = false;
  if (!Ok(response)) {
    task.read = HasStatus(response, 404) || ++task.failures >= kTries;
    task.backoff.Failed(now.steady);
  } else if (task.end.OnReply(response->body)) {
    task.text.log = KeptLog(response->body, task.pod.marker);
    task.read = true;
  }
}

}  // namespace imagebatch::cluster
