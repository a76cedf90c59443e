#include "runner/report/marker.h"

#include <sys/prctl.h>

#include <cstdlib>
#include <cstring>

namespace imagebatch::runner {

std::optional<std::string> TakeMarker() {
  char* value = getenv("IMAGEBATCH_MARKER");
  if (value == nullptr) return std::string();
  std::string marker = value;
  memset(value, '-', marker.size());
  unsetenv("IMAGEBATCH_MARKER");
  if (prctl(PR_SET_DUMPABLE, 0) != 0) return std::nullopt;
  return marker;
}

}  // namespace imagebatch::runner
