#include "cluster/store/requests.h"

#include <algorithm>
#include <utility>

#include "cluster/objects/reply.h"
#include "cluster/store/channel.h"
#include "log/log.h"

namespace imagebatch::cluster {

void Requests::Send(const Channel& from, Errand errand, kube::Request request, Handler handler) {
  request.sender = reinterpret_cast<uintptr_t>(&from.root());
  if (const auto troubles = troubles_.find(&from.root()); troubles != troubles_.end())
    troubles->second.Sent(errand);
  commands_.push_back({++last_id_, errand.purpose, std::move(request)});
  waiting_.emplace(last_id_, Waiting{&from, std::move(errand), std::move(handler)});
}

void Requests::Deliver(uint64_t id, const Result<kube::Response>& response, Now now) {
  const auto at = waiting_.find(id);
  if (at == waiting_.end()) return;
  const Channel& root = at->second.from->root();
  const Errand errand = std::move(at->second.errand);
  const Handler handler = std::move(at->second.handler);  // it may send again
  waiting_.erase(at);
  Note(root, errand, response, now);
  root.Replied();
  if (handler) handler(response, now);
}

void Requests::Drop(const Channel& channel) {
  if (&channel.root() == &channel) {
    troubles_.erase(&channel);
    ending_.erase(&channel);
    std::erase_if(waiting_, [&](const auto& entry) { return entry.second.from == &channel; });
    return;
  }
  // What was asked within another channel is still that one's trouble, or its end
  for (auto& [id, waiting] : waiting_) {
    if (waiting.from == &channel) waiting = {&channel.root(), std::move(waiting.errand), {}};
  }
}

bool Requests::Waits(const Channel& channel) const {
  return std::any_of(waiting_.begin(), waiting_.end(), [&](const auto& entry) {
    return entry.second.from == &channel || &entry.second.from->root() == &channel;
  });
}

Troubles* Requests::TroublesOf(const Channel& root) {
  const auto at = troubles_.find(&root);
  return at == troubles_.end() ? nullptr : &at->second;
}

void Requests::Note(const Channel& root, const Errand& errand, const Result<kube::Response>& response,
                    Now now) {
  NoteAccount(response, now);
  if (NamespaceIsEnding(response)) {
    ending_.insert(&root);
    return;
  }
  const auto known = troubles_.find(&root);
  if (known != troubles_.end()) return known->second.Answered(errand, response, now);
  if (Failed(errand.purpose, response)) troubles_[&root].Answered(errand, response, now);
}

// A token that is not accepted is told here, once for all that is asked: a watch that is open goes on without
// it, and would tell it minutes later. It is over when it has been accepted for a minute.
void Requests::NoteAccount(const Result<kube::Response>& response, Now now) {
  if (HasStatus(response, 401)) {
    unaccepted_ = now.steady;
    if (unaccepted_since_) return;
    unaccepted_since_ = now.steady;
    return log::Warn("the API server rejects the controller's token (" + ErrorMessage(response) +
                     "); the token will be read again and the request retried");
  }
  if (!response || !unaccepted_since_ || now.steady < unaccepted_ + std::chrono::minutes(1)) return;
  const auto lasted = std::chrono::duration_cast<std::chrono::seconds>(unaccepted_ - *unaccepted_since_);
  log::Info("the API server accepts the controller's token again, after " + std::to_string(lasted.count()) +
            " s");
  unaccepted_since_.reset();
}

std::map<Purpose, Time> Requests::FailingSince(const Channel& root) const {
  std::map<Purpose, Time> failing;
  const auto at = troubles_.find(&root);
  if (at == troubles_.end()) return failing;
  for (size_t i = 0; i < kPurposes; ++i) {
    const auto purpose = static_cast<Purpose>(i);
    if (const auto since = at->second.FailingSince(purpose)) failing.emplace(purpose, *since);
  }
  return failing;
}

}  // namespace imagebatch::cluster
