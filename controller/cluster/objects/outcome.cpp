#include "cluster/objects/outcome.h"

#include "base/text.h"
#include "batch/pod_template.h"
#include "contract/contract.h"
#include "document/json_member.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;
using plan::Cause;
namespace key = contract::key;

constexpr size_t kMessageLimit = 512;

/// The members of the object `text` that stand before a cut, within it or behind it: the kubelet keeps 12 KiB
/// for all containers of a Pod, and cuts what each of them has left.
json WholeMembers(std::string_view text) {
  size_t depth = 0, end = std::string_view::npos;
  bool quoted = false;
  for (size_t at = 0; at < text.size(); ++at) {
    const char byte = text[at];
    if (quoted) {
      if (byte == '\\') ++at;
      if (byte == '"') quoted = false;
    } else if (byte == '"') {
      quoted = true;
    } else if (byte == '{' || byte == '[') {
      ++depth;
    } else if (byte == '}' || byte == ']') {
      if (depth > 0) --depth;
    } else if (byte == ',' && depth == 1) {
      end = at;
    }
  }
  if (end == std::string_view::npos) return {};
  return json::parse(std::string(text.substr(0, end)) + "}", nullptr, false);
}

// The termination message is written by the runner, or by the build where it found a way to end the runner:
// believed only with the attempt's marker, and never for whether the attempt succeeded.
json RunnerAccount(const std::string& message, const std::string& marker) {
  constexpr size_t kMostLevels = 32;  // the runner writes three
  if (NestedDeeper(message, kMostLevels)) return {};
  json account = json::parse(message, nullptr, false);
  if (account.is_discarded()) account = WholeMembers(message);
  if (marker.empty() || !account.is_object() || document::StringMember(account, key::kMarker) != marker)
    return {};
  account.erase(key::kMarker);
  return account;
}

void Fail(Outcome& outcome, Cause cause, std::string reason, std::string_view message) {
  outcome.succeeded = false;
  outcome.cause = cause;
  outcome.reason = std::move(reason);
  outcome.message = Printable(message, kMessageLimit);
}

/// "its container proxy ended with exit code 1", as far as it goes.
std::string HowItFailed(const ContainerView& container) {
  std::string text = container.name;
  if (container.reason == "OOMKilled") {
    text += " used more memory than its limit (OOMKilled)";
  } else {
    text += " ended with exit code " + std::to_string(container.exit_code);
    if (!container.reason.empty() && container.reason != "Error") text += " (" + container.reason + ")";
  }
  return container.message.empty() ? text : text + ": " + container.message;
}

const ContainerView* FindFailed(const PodView& pod, ContainerView::Role role) {
  for (const ContainerView& container : pod.others) {
    if (container.role == role && container.state == ContainerView::State::Terminated) return &container;
  }
  return nullptr;
}

/// A step before the build failed. The runner's own is none of the build's.
bool FailByInit(Outcome& outcome, const PodView& pod) {
  const ContainerView* failed = FindFailed(pod, ContainerView::Role::Init);
  if (failed == nullptr) return false;
  const bool ours = failed->name == batch::kRunnerName;
  Fail(outcome, ours ? Cause::Infrastructure : Cause::Build, "InitContainerFailed",
       "its init container " + HowItFailed(*failed));
  outcome.exit_code = failed->exit_code;
  if (failed->started != Time{}) outcome.started = failed->started;
  return true;
}

void FailByItself(Outcome& outcome, const PodView& pod) {
  const ContainerView& container = *pod.build;
  if (outcome.runner.is_object() &&
      document::StringMember(outcome.runner, key::kVerdict) == contract::kHung &&
      container.exit_code == contract::kExitHung) {
    outcome.class_name = Printable(document::StringMember(outcome.runner, key::kClass), 40);
    outcome.hang_reason =
        Printable(document::StringMember(outcome.runner, key::kReason), contract::kReasonBytes);
    outcome.hung_since = ParseTime(document::StringMember(outcome.runner, key::kSince)).value_or(Time{});
    outcome.alike = AlikeOf(document::StringMember(outcome.runner, key::kFingerprint),
                            document::StringMember(outcome.runner, key::kSummary), outcome.class_name,
                            outcome.hang_reason);
    Fail(outcome, Cause::Hang, "Hung", document::StringMember(outcome.runner, key::kMessage));
    return;
  }
  std::string code = "the command ended with exit code " + std::to_string(container.exit_code);
  const bool killed =
      container.exit_code == 128 + 9 || document::StringMember(outcome.runner, key::kSignal) == "SIGKILL";
  // May come with any exit code: the kernel kills the largest process, and its parent may go on or fail
  if (container.reason == "OOMKilled") {
    Fail(outcome, Cause::Build, "OOMKilled", "the build used more memory than its limit");
  } else if (container.reason == "ContainerCannotRun" || container.reason == "StartError") {
    Fail(outcome, Cause::Build, container.reason, container.message);
  } else if (container.exit_code == 0) {
    const ContainerView* failed = FindFailed(pod, ContainerView::Role::Other);
    Fail(outcome, Cause::Build, "PodFailed",
         "the build's container succeeded, but another container of its Pod failed" +
             (failed == nullptr ? std::string() : ": container " + HowItFailed(*failed)));
  } else {
    const bool stopped =
        container.exit_code == 128 + 15 || document::StringMember(outcome.runner, key::kSignal) == "SIGTERM";
    if (stopped) code += ": something asked it to stop, as the kubelet does when a livenessProbe fails";
    if (killed)
      code += ": something killed it or one of its children; the kernel does so when memory runs out";
    Fail(outcome, Cause::Build, "Error", code);
  }
}

/// Of a Pod that the kubelet refused or ended.
void FailByKubelet(Outcome& outcome, const PodView& pod) {
  // Without a disruption these two are limits of the Pod's own that its build has passed: ephemeral storage
  // (pkg/kubelet/eviction: pressure on the node always sets the condition) and activeDeadlineSeconds
  const bool own = pod.failure == "Evicted" || pod.failure == "DeadlineExceeded";
  Fail(outcome, own ? Cause::Build : Cause::Infrastructure, Printable(pod.failure, 64), pod.failure_message);
}

}  // namespace

std::optional<Verdict> HangAtEnd(const Outcome& outcome, const std::optional<Verdict>& seen) {
  if (outcome.class_name.empty()) return seen;
  return Verdict{Verdict::Kind::Hang, outcome.class_name, outcome.hang_reason, {},
                 outcome.hung_since,  outcome.alike};
}

bool Ended(const PodView& pod) { return pod.build && pod.build->state == ContainerView::State::Terminated; }

Outcome OutcomeOf(const JobView& job, const Rare<PodView>& pod) {
  Outcome outcome;
  outcome.started = job.created;
  outcome.finished = job.finished;
  const bool ended = pod && Ended(*pod);
  if (pod) {
    outcome.pod = pod->name;
    outcome.node = pod->node;
  }
  if (ended) {
    // A container whose command could not be started has the times of 1970
    if (pod->build->started != Time{}) outcome.started = pod->build->started;
    if (pod->build->finished != Time{}) outcome.finished = pod->build->finished;
    outcome.exit_code = pod->build->exit_code;
    outcome.runner = RunnerAccount(pod->build->message, pod->marker);
  }
  if (job.phase == JobView::Phase::Complete) {
    outcome.succeeded = true;
    outcome.reason = "Succeeded";
  } else if (!pod) {
    Fail(outcome, Cause::Infrastructure, "PodDeleted", "its Pod was removed before it ended");
  } else if (!pod->disruption.empty()) {
    Fail(outcome, Cause::Infrastructure, Printable(pod->disruption, 64),
         "its Pod was disrupted: " + (pod->failure_message.empty() ? job.message : pod->failure_message));
  } else if (!pod->failure.empty()) {
    FailByKubelet(outcome, *pod);
  } else if (!ended && FailByInit(outcome, *pod)) {
    return outcome;
  } else if (pod->deleting) {
    Fail(outcome, Cause::Infrastructure, "PodDeleted", "its Pod was deleted while it ran");
  } else if (!ended) {
    Fail(outcome, Cause::Infrastructure, job.reason.empty() ? "NotStarted" : Printable(job.reason, 64),
         "the build's container never ran: " + job.message);
  } else {
    FailByItself(outcome, *pod);
  }
  return outcome;
}

Outcome OutcomeOfPod(const JobView& job, const PodView& pod) {
  JobView ended = job;
  const bool good = Ended(pod) && pod.build->exit_code == 0;
  ended.phase = good ? JobView::Phase::Complete : JobView::Phase::Failed;
  if (Ended(pod)) ended.finished = pod.build->finished;
  return OutcomeOf(ended, pod);
}

std::string OutlivedBy(const PodView& pod) {
  std::string names;
  for (const ContainerView& container : pod.others) {
    if (container.state == ContainerView::State::Terminated) continue;
    if (!names.empty()) names += ", ";
    names += container.name;
  }
  return Printable(names, 253);
}

void AddLogEnd(Outcome& outcome, std::string_view log) {
  if (outcome.succeeded || outcome.cause != Cause::Build || outcome.reason != "Error") return;
  while (!log.empty()) {
    if (log.ends_with('\n')) log.remove_suffix(1);
    const size_t before = log.rfind('\n');
    const std::string_view line = log.substr(before == std::string_view::npos ? 0 : before + 1);
    log = before == std::string_view::npos ? std::string_view() : log.substr(0, before + 1);
    if (line.find_first_not_of(' ') == std::string_view::npos || line.starts_with("{\"imagebatch\":"))
      continue;
    outcome.message = Printable(outcome.message + "; its log ends with: " + std::string(line), kMessageLimit);
    return;
  }
}

Outcome OutcomeOfDeleted(const JobView& job, Time now) {
  Outcome outcome;
  outcome.started = job.created;
  outcome.finished = now;
  Fail(outcome, Cause::Infrastructure, "JobDeleted", "its Job was deleted before it ended");
  return outcome;
}

}  // namespace imagebatch::cluster
