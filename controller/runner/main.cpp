#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "runner/args.h"
#include "runner/files.h"
#include "runner/marker.h"
#include "runner/report.h"
#include "runner/spawn.h"
#include "runner/supervisor.h"

namespace imagebatch::runner {
namespace {

constexpr int kHung = 1;
constexpr int kNoState = 2;

int Execute(const RunOptions& options) {
  std::string marker = TakeMarker();
  return Supervisor(options, std::move(marker)).Run();
}

int Execute(const ProbeOptions& options) {
  const std::string state = ReadWhole(options.state_file.c_str(), kStateBytes);
  const auto head = StateHead(state);
  if (!head) {
    fprintf(stderr, "imagebatch-runner: no state in %s\n", options.state_file.c_str());
    return kNoState;
  }
  if (!SaysHung(state)) return 0;
  printf("%s\n", head->c_str());
  return kHung;
}

int Execute(const InstallOptions& options) {
  if (InstallSelf(options.target)) return 0;
  fprintf(stderr, "imagebatch-runner: cannot write %s: %s\n", options.target.c_str(), strerror(errno));
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
