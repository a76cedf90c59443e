// The log of a build, whatever it holds: no time is negative, endless or no number, and no part is longer
// than a build.
#include "report/buildkit.h"

#include <cmath>

#include "fuzz/fuzz.h"

using namespace imagebatch;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const report::BuildKitTimes times = report::ReadBuildKitLog(fuzz::Text(data, size));
  for (const auto& seconds : {times.context, times.cache_import, times.cache_export, times.image_export,
                              times.push_layers, times.export_manifest}) {
    fuzz::Expect(!seconds || (std::isfinite(*seconds) && *seconds >= 0), "a time is a time");
    fuzz::Expect(!seconds || times.cached_steps, "no step, no time");
  }
  const int most = static_cast<int>(report::BuildKitLog::kSteps);
  fuzz::Expect(!times.cached_steps || (*times.cached_steps >= 0 && *times.cached_steps <= most),
               "so many steps");
  return 0;
}
