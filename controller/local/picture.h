#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "cli/console.h"
#include "cluster/store/status_object.h"

namespace imagebatch::local {

/// What is shown of a batch that runs here.
struct View {
  std::string batch, root;  // its name and its directory
  cluster::Summary summary;
  Time now{};
};

/// "13 of 580 built, 2 failed, 1 hung, 12 running, 553 to do; about 23 min left (20 to 31)".
std::string CountsLine(const View& view);

struct PictureLine {
  std::string text;
  std::optional<cli::Style> style{};
};

/// The batch as lines for a terminal of so many columns; at most 15 of them.
std::vector<PictureLine> Picture(const View& view, size_t columns);

/// "4 s", "12 min", "3.5 h".
std::string Span(double seconds);

}  // namespace imagebatch::local
