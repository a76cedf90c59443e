#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "cluster/store/backoff.h"
#include "cluster/store/channel.h"

namespace imagebatch::cluster {

/// One Event (core/v1) of this controller.
struct NewEvent {
  std::string name;
  std::string api_version, kind, ns, object, uid;  // what it is about; it is written to the same namespace
  std::string_view type, reason, message;          // Normal or Warning; for people
};

/// Writes Events. One that is not accepted for the server's own trouble, or of which nobody knows, is sent
/// again under its name, kTries times in all, over a minute and a half. That one of its name exists is no
/// failure: the reply to an earlier try was lost, or an earlier process has told the same.
class EventOutbox {
 public:
  static constexpr int kTries = 8;
  static constexpr size_t kMessageBytes = 1024;  // the API server refuses longer ones

  explicit EventOutbox(Channel& channel) : channel_(channel) {}

  /// The message is made printable, and cut to kMessageBytes.
  void Write(const NewEvent& event, Now now);

  /// Sends what is due.
  void Step(Now now);
  std::optional<SteadyTime> Next() const;

 private:
  struct Unanswered {
    kube::Request request;
    int tries = 0;
    bool under_way = false;
    Backoff backoff;
  };

  void Send(uint64_t number);
  void Answered(uint64_t number, const Result<kube::Response>& response, Now now);

  Channel& channel_;
  uint64_t written_ = 0;
  std::map<uint64_t, Unanswered> unanswered_;  // by their number
};

}  // namespace imagebatch::cluster
