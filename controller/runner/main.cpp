#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "explain/explain.h"
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

/// Logs are long, and the evidence is near their end.
std::string ReadEnd(int file, size_t limit) {
  std::string text;
  std::array<char, 65536> part{};
  ssize_t length = 0;
  while ((length = read(file, part.data(), part.size())) > 0) {
    text.append(part.data(), static_cast<size_t>(length));
    if (text.size() > 2 * limit) text.erase(0, text.size() - limit);
  }
  return text;
}

int Execute(const ExplainOptions& options) {
  constexpr size_t kMostBytes = size_t{64} << 20;
  const Descriptor file(options.file == "-" ? dup(STDIN_FILENO)
                                            : open(options.file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.Open()) {
    fprintf(stderr, "imagebatch-runner: cannot read %s: %s\n", options.file.c_str(), strerror(errno));
    return 1;
  }
  const auto text = explain::Explain(ReadEnd(file.Get(), kMostBytes));
  if (!text) {
    fprintf(stderr, "imagebatch-runner: no evidence in %s\n", options.file.c_str());
    return 1;
  }
  fputs(text->c_str(), stdout);
  return 0;
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
  fprintf(stderr, "imagebatch-runner: %s\nimagebatch-runner --help tells more\n", error.message.c_str());
  return kExitUsage;
}

}  // namespace
}  // namespace imagebatch::runner

int main(int argc, char** argv) {
  using namespace imagebatch::runner;
  if (!OpenStandardDescriptors()) return kExitUsage;
  return std::visit([](const auto& chosen) { return Execute(chosen); }, ParseArguments(argc, argv));
}
