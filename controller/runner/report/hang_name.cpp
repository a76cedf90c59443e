#include "runner/report/hang_name.h"

#include <algorithm>

#include "base/mask.h"
#include "runner/report/alike.h"

namespace imagebatch::runner {
namespace {

double LastedSeconds(const hang::Input& input, hang::Class hang_class) {
  for (const hang::Rule& rule : hang::Rules()) {
    if (rule.hang_class == hang_class)
      return std::chrono::duration<double>(input.now - rule.since(input)).count();
  }
  return 0;
}

void AddWaits(Evidence& evidence, const std::vector<hang::WaitingProcess>& dead) {
  for (const hang::WaitingProcess& waiting : dead) {
    const auto process =
        std::find_if(evidence.processes.begin(), evidence.processes.end(),
                     [&waiting](const ProcessEvidence& each) { return each.pid == waiting.pid; });
    if (process == evidence.processes.end()) continue;
    for (const hang::Wait& wait : waiting.waits) process->waits_for.push_back(wait.what);
    auto& kinds = process->waits_for;
    std::sort(kinds.begin(), kinds.end());
    kinds.erase(std::unique(kinds.begin(), kinds.end()), kinds.end());
  }
}

}  // namespace

void NameHang(Evidence& evidence, const hang::Input& input, const hang::Finding& finding,
              const LineTail& tail) {
  evidence.lasted_seconds = LastedSeconds(input, finding.hang_class);
  if (finding.hang_class == hang::Class::Deadlock) AddWaits(evidence, input.dead_part);
  for (const std::string& line : tail.Since(input.progress.last_news))
    evidence.repeated.push_back(MaskSecrets(line));
  Alike alike = AlikeOf(evidence, finding, std::string(input.phase));
  evidence.fingerprint = std::move(alike.fingerprint);
  evidence.summary = std::move(alike.summary);
  evidence.repeated.clear();
  auto& processes = evidence.processes;
  if (processes.size() <= kMostProcesses) return;
  evidence.more_processes += processes.size() - kMostProcesses;
  processes.erase(processes.begin(), processes.end() - kMostProcesses);
}

}  // namespace imagebatch::runner
