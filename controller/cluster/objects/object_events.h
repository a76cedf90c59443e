#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "base/time.h"
#include "kube/transport.h"

namespace imagebatch::cluster {

/// An Event that Kubernetes has attached to a Job or a Pod.
struct ObjectEvent {
  bool warning = false;
  std::string reason, message;  // as they were written: bound and escape them before they are shown
  std::string container;        // which of the Pod's it is about, where it is about one
  Time at{};                    // when it was last seen
};

/// What was found in the Events of one object.
struct EventsAnswer {
  bool known = false;                // false: they could not be read
  std::optional<ObjectEvent> event;  // the most telling one; nothing: none tells anything
};

/// GET of the Events of one object, at most 50.
kube::Request EventsRequest(std::string_view ns, std::string_view uid);

/// The kinds of objects whose Events are read.
enum class EventKind : uint8_t { Job, Pod };
inline constexpr size_t kEventKinds = 2;

/// GET of a page of the Events of all objects of a kind, at most 500. `from`: the token that the page before
/// has left (EventsOfMany::next), empty for the first.
kube::Request EventsRequest(std::string_view ns, EventKind kind, std::string_view from);

/// Of the Events of one object the one that says most about why it does not go on: the newest warning, or
/// that an image is being pulled where that is newer; else that a Job's Pod was created. What the scheduler
/// said is left out, since the Pod's own condition has it for as long as it is true.
class TellingEvent {
 public:
  /// `item`: an Event of a list, or anything else, which tells nothing.
  void Offer(const nlohmann::json& item);
  std::optional<ObjectEvent> Get() const;

 private:
  std::optional<ObjectEvent> warning_, image_, created_;  // the newest of each
};

/// The one in a list of the Events of one object. Nothing: none says anything, or the text is no list.
std::optional<ObjectEvent> FindTelling(std::string_view list);

/// The ones in a list of the Events of many objects, which comes page by page; kept is what is about some.
class EventsOfMany {
 public:
  /// `uids`: of the objects that it is about.
  explicit EventsOfMany(std::unordered_set<std::string> uids) : uids_(std::move(uids)) {}

  /// False: the text is no page of a list.
  bool Take(std::string_view page);
  /// The token of the next page; empty: there is none, or none has been taken.
  const std::string& next() const { return next_; }

  std::optional<ObjectEvent> Of(const std::string& uid) const;

 private:
  std::unordered_set<std::string> uids_;
  std::unordered_map<std::string, TellingEvent> found_;
  std::string next_;
};

}  // namespace imagebatch::cluster
