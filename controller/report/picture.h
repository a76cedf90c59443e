#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "report/builds.h"

namespace imagebatch::report {

/// Where a build stands in the picture.
struct Bar {
  size_t build = 0;               // index into Report::builds
  size_t lane = 0;                // from the top, over all stages
  int64_t begin = 0, length = 0;  // milliseconds from Picture::start
};

/// A batch over time: a bar for each build that ran. Each stage has lanes of its own, as many as it had
/// builds at once; a small batch has one lane for each build.
struct Picture {
  Time start{};
  int64_t length = 0;  // milliseconds, at least 1
  std::vector<Bar> bars;
  std::vector<size_t> first_lanes;  // of each stage
  size_t lanes = 0;
  bool named = false;  // one lane for each build, with its name

  /// Pixels from one lane to the next, and of all.
  double Pitch() const;
  double Height() const;
  /// Pixels from the top to the middle of a lane, with room above each stage for its name.
  double Middle(size_t lane) const;
};

/// A build without times has no bar.
Picture Draw(const Report& report);

/// The picture as one SVG element of the page (page.css has its classes): it stretches to any width, needs no
/// script, and its text is escaped.
std::string Svg(const Report& report, const Picture& picture);

}  // namespace imagebatch::report
