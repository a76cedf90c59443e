#include "runner/report/marker.h"

#include <sys/prctl.h>

#include <cstdlib>
#include <cstring>

#include "contract/contract.h"

namespace imagebatch::runner {

std::optional<std::string> TakeMarker() {
  char* value = getenv(contract::kMarkerVariable);
  if (value == nullptr) return std::string();
  std::string marker = value;
  memset(value, '-', marker.size());
  unsetenv(contract::kMarkerVariable);
  if (prctl(PR_SET_DUMPABLE, 0) != 0) return std::nullopt;
  return marker;
}

}  // namespace imagebatch::runner
