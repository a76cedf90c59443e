#pragma once
#include <string>
#include <string_view>

#include "batch/types.h"
#include "cluster/requests.h"

namespace imagebatch::cluster {

/// Events of one batch, for `kubectl describe` and `kubectl events`: on transitions only, and best effort:
/// one that is lost is not sent again.
class EventEmitter {
 public:
  EventEmitter(const batch::Batch& batch, Requests& requests) : batch_(batch), requests_(requests) {}

  void Normal(std::string_view reason, std::string_view message, Now now) {
    Emit("Normal", reason, message, now);
  }
  void Warning(std::string_view reason, std::string_view message, Now now) {
    Emit("Warning", reason, message, now);
  }

 private:
  void Emit(std::string_view type, std::string_view reason, std::string_view message, Now now);

  const batch::Batch& batch_;
  Requests& requests_;
  uint64_t sent_ = 0;
};

}  // namespace imagebatch::cluster
