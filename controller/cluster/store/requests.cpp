#include "cluster/store/requests.h"

#include <algorithm>
#include <utility>

#include "cluster/objects/reply.h"
#include "cluster/store/channel.h"
#include "log/log.h"

namespace imagebatch::cluster {

namespace {

/// A registry's answer as a reply, for whoever keeps count of what fails.
kube::Response ReplyOf(const registry::Answer& answer) {
  using Kind = registry::Answer::Kind;
  kube::Response reply;
  switch (answer.kind) {
    case Kind::There:
    case Kind::NotThere:
      reply.status = 200;
      break;
    case Kind::Denied:
      reply.status = 403;
      break;
    case Kind::Throttled:
      reply.status = 429;
      break;
    case Kind::Unreachable:
      reply.status = 503;
      break;
  }
  reply.body = nlohmann::json{{"message", answer.reason}}.dump();
  return reply;
}

}  // namespace

uint64_t Requests::Add(const Channel& from, const Errand& errand) {
  if (const auto troubles = troubles_.find(&from.root()); troubles != troubles_.end())
    troubles->second.Sent(errand);
  return ++last_id_;
}

void Requests::Send(const Channel& from, Errand errand, kube::Request request, Handler handler) {
  request.sender = reinterpret_cast<uintptr_t>(&from.root());
  const uint64_t id = Add(from, errand);
  commands_.push_back({id, errand.purpose, std::move(request)});
  waiting_.emplace(id, Waiting{&from, std::move(errand), std::move(handler)});
}

void Requests::Ask(const Channel& from, Errand errand, std::string image, AnswerHandler handler) {
  const uint64_t id = Add(from, errand);
  questions_.push_back({id, reinterpret_cast<uintptr_t>(&from.root()), std::move(image)});
  waiting_.emplace(id, Waiting{&from, std::move(errand), {}, std::move(handler)});
}

void Requests::Deliver(uint64_t id, const Result<kube::Response>& response, Now now) {
  const auto waiting = waiting_.extract(id);
  if (waiting.empty()) return;
  const auto& [from, errand, handler, answer_handler] = waiting.mapped();  // the handler may send again
  const Channel& root = from->root();
  Note(root, errand, response, now);
  root.Replied();
  if (handler) handler(response, now);
}

void Requests::Deliver(uint64_t id, const registry::Answer& answer, Now now) {
  const auto waiting = waiting_.extract(id);
  if (waiting.empty()) return;
  const auto& [from, errand, handler, answer_handler] = waiting.mapped();
  const Channel& root = from->root();
  NoteTrouble(root, errand, ReplyOf(answer), now);
  root.Replied();
  if (answer_handler) answer_handler(answer, now);
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
  NoteTrouble(root, errand, response, now);
}

void Requests::NoteTrouble(const Channel& root, const Errand& errand, const Result<kube::Response>& response,
                           Now now) {
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
