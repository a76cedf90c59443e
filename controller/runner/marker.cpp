#include "runner/marker.h"

#include <sys/prctl.h>

#include <cstdlib>
#include <cstring>

namespace imagebatch::runner {

std::string TakeMarker() {
  char* value = getenv("IMAGEBATCH_MARKER");
  if (value == nullptr) return {};
  std::string marker = value;
  memset(value, '-', marker.size());
  unsetenv("IMAGEBATCH_MARKER");
  prctl(PR_SET_DUMPABLE, 0);
  return marker;
}

}  // namespace imagebatch::runner
