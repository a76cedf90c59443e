// BuildKit's rawjson: what comes out is plain progress, whatever the JSON says.
#include <algorithm>

#include "fuzz/fuzz.h"
#include "runner/output/raw_progress.h"

using namespace imagebatch;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  runner::RawProgress progress;
  std::string_view rest = fuzz::Text(data, size);
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    std::string_view plain;
    const std::string text = progress.ToPlain(line);
    fuzz::Expect(text.size() <= 64 + 16 * line.size(), "not much longer than what it came from");
    for (plain = text; !plain.empty();) {
      const size_t end = plain.find('\n');
      fuzz::Expect(end != std::string_view::npos, "each line has its end");
      const std::string_view one = plain.substr(0, end);
      fuzz::Expect(one.size() >= 3 && one[0] == '#' && one[1] >= '1' && one[1] <= '9',
                   "each line has its step");
      fuzz::Expect(one.find('\r') == std::string_view::npos, "no line writes over itself");
      plain.remove_prefix(end + 1);
    }
  }
  return 0;
}
