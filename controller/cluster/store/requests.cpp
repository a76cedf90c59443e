#include "cluster/store/requests.h"

#include "cluster/objects/reply.h"
#include "log/log.h"

namespace imagebatch::cluster {

void Requests::Note(const void* owner, const Errand& errand, const Result<kube::Response>& response,
                    Now now) {
  NoteAccount(response, now);
  if (NamespaceIsEnding(response)) {
    ending_.insert(owner);
    return;
  }
  const auto known = troubles_.find(owner);
  if (known != troubles_.end()) return known->second.Answered(errand, response, now);
  if (Failed(errand.purpose, response)) troubles_[owner].Answered(errand, response, now);
}

// A token that is not accepted is told here, once for all that is asked: a watch that is open goes on without
// it, and would tell it minutes later. It is over when it has been accepted for a minute.
void Requests::NoteAccount(const Result<kube::Response>& response, Now now) {
  if (HasStatus(response, 401)) {
    unaccepted_ = now.steady;
    if (unaccepted_since_) return;
    unaccepted_since_ = now.steady;
    return log::Warn("the API server does not accept the controller's token (" + ErrorMessage(response) +
                     "); it is read and tried again");
  }
  if (!response || !unaccepted_since_ || now.steady < unaccepted_ + std::chrono::minutes(1)) return;
  const auto lasted = std::chrono::duration_cast<std::chrono::seconds>(unaccepted_ - *unaccepted_since_);
  log::Info("the API server accepts the controller's token again, after " + std::to_string(lasted.count()) +
            " s");
  unaccepted_since_.reset();
}

std::map<Purpose, Time> Requests::FailingSince(const void* owner) const {
  std::map<Purpose, Time> failing;
  const auto at = troubles_.find(owner);
  if (at == troubles_.end()) return failing;
  for (size_t i = 0; i < kPurposes; ++i) {
    const auto purpose = static_cast<Purpose>(i);
    if (const auto since = at->second.FailingSince(purpose)) failing.emplace(purpose, *since);
  }
  return failing;
}

}  // namespace imagebatch::cluster
