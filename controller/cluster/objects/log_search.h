#pragma once
#include <optional>
#include <string>

#include "cluster/objects/evidence.h"
#include "cluster/objects/views.h"

namespace imagebatch::cluster {

/// Looks for the runner's last word in a build's log, from a moment on, in pieces of at most 4 MiB. The API
/// server counts sinceTime in whole seconds: where one second holds more than a piece, it is read again with
/// a larger one (20 MiB: a gigabyte a minute), and what it holds beyond that is passed over. Only lines with
/// the attempt's marker are kept in memory.
class LogSearch {
 public:
  /// `marker`: that of the attempt. `from` is cut to whole seconds.
  LogSearch(std::string marker, Time from);

  /// The piece that is due.
  kube::Request Next(const PodView& pod) const;

  /// Takes in the reply to Next: its lines with the marker and the beginning of the last, which may be more,
  /// and how many bytes came. True: it was cut, there is another one already.
  bool OnPiece(std::string_view lines, size_t received);

  /// What the runner said last; nothing where that is that the build goes on, or where it has said nothing.
  const std::optional<Evidence>& found() const { return found_; }

 private:
  std::string marker_;
  Time from_;
  size_t limit_;
  std::optional<Evidence> found_;
};

}  // namespace imagebatch::cluster
