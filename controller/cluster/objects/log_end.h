#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "cluster/objects/views.h"

namespace imagebatch::cluster {

/// Reads the end of a build's log, as much as is kept. The API server gives the first bytes of the last
/// lines: where those are more than 256 KiB, fewer lines are asked for until what comes reaches the end.
class LogEnd {
 public:
  /// The read that is due.
  kube::Request Next(const PodView& pod) const;
  /// Takes in the reply to Next. True: `log` reaches the end of the log. False: it was cut before.
  bool OnReply(std::string_view log);

 private:
  int lines_ = 2000;
};

}  // namespace imagebatch::cluster
