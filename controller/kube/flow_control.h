#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <random>

#include "base/time.h"

namespace imagebatch::kube {

/// How many requests may be on the wire at once, and since when: adapts to what the server can take, without
/// a fixed rate. The limit rises by one after each round of answers and is halved when the server refuses
/// (429, 503) or does not answer a write (additive increase, multiplicative decrease, as TCP does). A read
/// that is not answered says little about the server's load: it may have asked for too much. No Retry-After
/// is believed beyond this, whoever sent it.
inline constexpr std::chrono::seconds kLongestPause(60);

class FlowControl {
 public:
  FlowControl(int max_in_flight, uint64_t seed);

  int Limit() const { return limit_; }
  /// No request starts before this time.
  SteadyTime PausedUntil() const { return paused_until_; }

  /// A request, sent at `sent`, got its answer, whatever it was.
  void OnAnswer(SteadyTime sent);
  /// A request was refused for the server's load; it had been sent at `sent`. Returns when to send it again.
  /// `refusals`: how often it was refused by now, this time included. Retry-After pauses every request.
  SteadyTime OnRefusal(SteadyTime sent, SteadyTime now, int refusals,
                       std::optional<std::chrono::seconds> retry_after);
  /// A request got no answer. Several in a row pause every request, or callers who repeat at once would
  /// hammer a server that is down.
  void OnNoAnswer(SteadyTime sent, SteadyTime now, bool write);

 private:
  void Halve(SteadyTime sent, SteadyTime now);
  void PauseUntil(SteadyTime time);

  const int max_in_flight_;
  std::mt19937_64 random_;
  int limit_;
  int answers_ = 0;         // since the limit last changed
  int without_answer_ = 0;  // requests in a row
  SteadyTime halved_ = SteadyTime::min();
  SteadyTime paused_until_ = SteadyTime::min();
};

}  // namespace imagebatch::kube
