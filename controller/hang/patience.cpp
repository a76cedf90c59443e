#include "hang/patience.h"

namespace imagebatch::hang {
namespace {

constexpr int kPatient = 3;

struct QuietActivity {
  std::string_view text;
  std::string_view name;
};

/// Phases of BuildKit that begin so.
constexpr QuietActivity kPhases[] = {
    {"exporting ", "an export"},
    {"pushing ", "a push"},
    {"sending tarball", "an export"},
    {"unpacking to ", "an export"},
    {"importing cache ", "a cache transfer"},
    {"preparing build cache ", "a cache transfer"},
};

/// Lines of apt-get and dpkg that begin so (apt 2.6, dpkg 1.21).
constexpr QuietActivity kLines[] = {{"Reading package lists", "apt"}, {"Building dependency tree", "apt"},
                                    {"Reading database", "dpkg"},     {"(Reading database", "dpkg"},
                                    {"Preparing to unpack ", "dpkg"}, {"Unpacking ", "dpkg"},
                                    {"Setting up ", "dpkg"},          {"Processing triggers for ", "dpkg"}};

/// Commands, in the name of a RUN step or in a line that a shell has traced.
constexpr QuietActivity kCommands[] = {
    {"docker system prune", "a prune"},  {"docker image prune", "a prune"},
    {"docker builder prune", "a prune"}, {"docker buildx prune", "a prune"},
    {"buildctl prune", "a prune"},
};

/// "#7 12.34 Setting up x" without what BuildKit puts before a program's own line.
std::string_view WithoutStep(std::string_view line) {
  if (!line.starts_with('#')) return line;
  for (int word = 0; word < 2; ++word) {
    const size_t space = line.find(' ');
    if (space == std::string_view::npos) return line;
    line.remove_prefix(space + 1);
  }
  return line;
}

}  // namespace

Patience PatienceOf(std::string_view phase, std::string_view last_line) {
  for (const QuietActivity& activity : kPhases) {
    if (phase.starts_with(activity.text)) return {kPatient, activity.name};
  }
  for (const QuietActivity& activity : kLines) {
    if (WithoutStep(last_line).starts_with(activity.text)) return {kPatient, activity.name};
  }
  for (const QuietActivity& activity : kCommands) {
    if (phase.find(activity.text) != std::string_view::npos ||
        last_line.find(activity.text) != std::string_view::npos)
      return {kPatient, activity.name};
  }
  return {};
}

}  // namespace imagebatch::hang
