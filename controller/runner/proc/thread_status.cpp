#include "runner/proc/thread_status.h"

#include <charconv>

#include "runner/proc/proc_text.h"

namespace imagebatch::runner {
namespace {

std::optional<uint64_t> Number(std::string_view text, int base) {
  uint64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc()) return std::nullopt;
  return number;
}

}  // namespace

std::optional<ThreadStatus> ParseThreadStatus(std::string_view text) {
  std::string_view state;
  std::optional<uint64_t> tracer, caught, ignored, blocked, voluntary, involuntary;
  while (!text.empty()) {
    std::string_view line = TakeUntil(text, '\n');
    const std::string_view key = TakeUntil(line, '\t');
    if (key == "State:") state = line;
    if (key == "TracerPid:") tracer = Number(line, 10);
    if (key == "SigCgt:") caught = Number(line, 16);
    if (key == "SigIgn:") ignored = Number(line, 16);
    if (key == "SigBlk:") blocked = Number(line, 16);
    if (key == "voluntary_ctxt_switches:") voluntary = Number(line, 10);
    if (key == "nonvoluntary_ctxt_switches:") involuntary = Number(line, 10);
  }
  if (state.empty() || !tracer || !caught || !ignored || !blocked || !voluntary || !involuntary) {
    return std::nullopt;
  }
  return ThreadStatus{.state = state.front(),
                      .traced = *tracer != 0,
                      .caught = *caught,
                      .ignored = *ignored,
                      .blocked = *blocked,
                      .switches = *voluntary + *involuntary};
}

}  // namespace imagebatch::runner
