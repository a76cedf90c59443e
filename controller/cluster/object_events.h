#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "kube/transport.h"

namespace imagebatch::cluster {

/// An Event that Kubernetes has attached to a Job or a Pod.
struct ObjectEvent {
  bool warning = false;
  std::string reason, message;  // as they were written: bound and escape them before they are shown
};

/// GET of the Events of one object, at most 50.
kube::Request EventsRequest(std::string_view ns, std::string_view uid);

/// The Event of a list that says most about why its object does not go on: the newest warning, or that an
/// image is being pulled where that is newer; else that a Job's Pod was created. What the scheduler said is
/// left out, since the Pod's own condition has it for as long as it is true. Nothing: none says anything, or
/// the text is no list.
std::optional<ObjectEvent> FindTelling(std::string_view list);

}  // namespace imagebatch::cluster
