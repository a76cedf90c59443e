#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "runner/args.h"
#include "runner/guard.h"
#include "runner/proc/files.h"
#include "runner/report/marker.h"
#include "runner/report/report.h"
#include "runner/spawn.h"
#include "runner/supervisor.h"
#include "runner/terminal.h"

namespace imagebatch::runner {
namespace {

constexpr int kHung = 1;
constexpr int kNoState = 2;

int Execute(const RunOptions& options) {
  auto marker = TakeMarker();
  if (!marker) {
    fprintf(stderr, "imagebatch-runner: cannot hide IMAGEBATCH_MARKER: %s\n", strerror(errno));
    return kExitUsage;
  }
  Descriptor terminal = LetGoOfTerminal();
  if (const auto exit_code = GuardRunner()) return *exit_code;
  return Supervisor(options, *std::move(marker), std::move(terminal)).Run();
}

int Execute(const ProbeOptions& options) {
  const auto state = ReadReplaced(options.state_file, kStateBytes);
  const auto head = state ? StateHead(state->text) : std::nullopt;
  if (!head) {
    fprintf(stderr, "imagebatch-runner: no state in %s\n", options.state_file.c_str());
    return kNoState;
  }
  if (state->left_behind) {
    fprintf(stderr, "imagebatch-runner: the runner that wrote %s is gone\n", options.state_file.c_str());
    return kNoState;
  }
  if (!SaysHung(state->text)) return 0;
  printf("%s\n", head->c_str());
  return kHung;
}

int Execute(const InstallOptions& options) {
  const std::string error = InstallSelf(options.target);
  if (error.empty()) return 0;
  fprintf(stderr, "imagebatch-runner: %s\n", error.c_str());
  return 1;
}

int Execute(const HelpWanted&) {
  fputs(kUsage, stdout);
  return 0;
}

int Execute(const VersionWanted&) {
  puts("imagebatch-runner " IMAGEBATCH_VERSION);
  return 0;
}

int Execute(const UsageError& error) {
  fprintf(stderr, "imagebatch-runner: %s\n%s", error.message.c_str(), kUsage);
  return kExitUsage;
}

}  // namespace
}  // namespace imagebatch::runner

int main(int argc, char** argv) {
  using namespace imagebatch::runner;
  if (!OpenStandardDescriptors()) return kExitUsage;
  return std::visit([](const auto& chosen) { return Execute(chosen); }, ParseArguments(argc, argv));
}
