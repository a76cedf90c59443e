#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>

#include "hang/heartbeat.h"

namespace imagebatch::hang {

/// What a process of the tree has done over one connection, from its start or from when it was first seen;
/// never reset.
struct Connection {
  uint64_t id = 0;                        // of its own for each connection there ever was
  uint64_t peer = 0;                      // the same for connections to the same other end
  std::optional<uint64_t> received = {};  // bytes that were taken from it; absent: nobody counts them
  uint64_t messages = 0;                  // that were received
  uint64_t sent = 0;                      // bytes that the other end has, or that may have gone there
  TimePoint last = {};                    // when something last came
  Duration blur{0};                       // it may have been earlier by so much
  bool sure = true;                       // see Arrival
  bool exact = true;                      // nothing but what went over the connection is counted
};

/// Follows the connections of a tree from look to look. What is news is told by HeartbeatFilter: for each
/// connection; and, of connections on which only one thing came, for all to the same peer together, so that a
/// request that is made again and again is a rhythm too. What a connection had when it was first seen is not
/// counted: nobody knows when that was.
class Arrivals {
 public:
  static constexpr size_t kConnections = 256;  // further ones are not followed

  explicit Arrivals(TimePoint start) : last_news_(start), looked_(start) {}

  /// All connections there are now.
  void Add(TimePoint now, std::span<const Connection> connections);
  void Move(std::chrono::steady_clock::duration by, TimePoint now);

  /// When something that is news last came; the start where it never did. May fall as a rhythm is found.
  TimePoint LastNews() const;
  /// Bytes so far, heartbeats left out: received and sent; and those received on connections that had
  /// something to say at three looks at least, as no request and its answer have.
  uint64_t Bytes() const { return bytes_; }
  uint64_t StreamedBytes() const { return streamed_bytes_; }

 private:
  struct Followed {
    Connection before;
    HeartbeatFilter filter;
    std::optional<Arrival> first = {};  // as long as it is the only one
    int arrivals = 0;
    bool answered = false;
    bool present = false;
  };
  void Receive(TimePoint now, Followed& followed, const Connection& connection);

  std::map<uint64_t, Followed> followed_;
  std::map<uint64_t, HeartbeatFilter> answers_;  // by peer
  TimePoint last_news_;                          // of connections that are gone
  TimePoint looked_;
  uint64_t bytes_ = 0, streamed_bytes_ = 0;
};

}  // namespace imagebatch::hang
