#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/objects/object_events.h"
#include "cluster/store/channel.h"

namespace imagebatch::cluster {

/// Reads the Events of the Jobs and Pods of one batch. API servers have no index of Events: what is asked
/// about one object costs them a look at all of the namespace, and bytes only for what is found. So a few are
/// asked about one by one; where more than kFew of a kind wait, one list of all of that kind serves them, and
/// all others that have asked before with them, so that they go on waiting together.
class EventReader {
 public:
  struct Subject {
    std::string job;  // name
    std::string uid;  // of the Job, or of its Pod
  };
  /// Who would be served by a list of this kind, whether they have asked again or not.
  using Followers = std::function<std::vector<Subject>(EventKind)>;
  /// Comes for each Ask, and for followers that are served with it.
  using OnEvents = std::function<void(const Subject&, const EventsAnswer&, Now)>;

  /// At most so many of a kind are asked about one by one, and as often as kPause.
  static constexpr size_t kFew = 10;
  static constexpr std::chrono::seconds kPause{10};
  /// How long one that asks waits for others to join it.
  static constexpr std::chrono::seconds kGather{1};
  /// A list is read up to here; what is behind is not known.
  static constexpr int kPages = 20;

  EventReader(std::string_view ns, Channel& channel, Followers followers, OnEvents on_events)
      : ns_(ns), channel_(channel), followers_(std::move(followers)), on_events_(std::move(on_events)) {}

  void Ask(EventKind kind, Subject subject, Now now);

  void Step(Now now);
  std::optional<SteadyTime> Next() const;

 private:
  struct Reading {
    std::vector<Subject> asked;
    std::optional<SteadyTime> due;  // when they are to be read; none: nobody has asked
    SteadyTime last{};              // when some were read last
    std::vector<Subject> served;    // by the list that is under way
    std::optional<EventsOfMany> list;
    int pages = 0;
  };

  Reading& Of(EventKind kind) { return readings_[static_cast<size_t>(kind)]; }
  void ReadOne(const Subject& subject);
  void ReadAll(EventKind kind);
  void ReadPage(EventKind kind);
  void OnPage(EventKind kind, const Result<kube::Response>& response, Now now);

  const std::string ns_;
  Channel& channel_;
  const Followers followers_;
  const OnEvents on_events_;
  std::array<Reading, kEventKinds> readings_;
};

}  // namespace imagebatch::cluster
