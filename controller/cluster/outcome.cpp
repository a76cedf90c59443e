#include "cluster/outcome.h"

#include "base/text.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;
using plan::Cause;

constexpr size_t kMessageLimit = 512;

std::string String(const json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

// The termination message is written by the runner, or by the build where it found a way to end the runner:
// believed only with the attempt's marker, and never for whether the attempt succeeded.
json RunnerAccount(const std::string& message, const std::string& marker) {
  json account = json::parse(message, nullptr, false);
  if (marker.empty() || !account.is_object() || String(account, "marker") != marker) return {};
  account.erase("marker");
  return account;
}

void Fail(Outcome& outcome, Cause cause, std::string reason, std::string_view message) {
  outcome.succeeded = false;
  outcome.cause = cause;
  outcome.reason = std::move(reason);
  outcome.message = Printable(message, kMessageLimit);
}

void FailByItself(Outcome& outcome, const ContainerView& container) {
  if (outcome.runner.is_object() && String(outcome.runner, "verdict") == "Hung" &&
      container.exit_code == 124) {
    outcome.klass = Printable(String(outcome.runner, "class"), 40);
    outcome.hang_reason = Printable(String(outcome.runner, "reason"), 40);
    outcome.hung_since = ParseTime(String(outcome.runner, "since")).value_or(Time{});
    Fail(outcome, Cause::Hang, "Hung", String(outcome.runner, "message"));
    return;
  }
  std::string code = "the command ended with exit code " + std::to_string(container.exit_code);
  const bool killed = container.exit_code == 128 + 9 || String(outcome.runner, "signal") == "SIGKILL";
  // May come with any exit code: the kernel kills the largest process, and its parent may go on or fail
  if (container.reason == "OOMKilled") {
    Fail(outcome, Cause::Build, "OOMKilled", "the build used more memory than its limit");
  } else if (container.reason == "ContainerCannotRun" || container.reason == "StartError") {
    Fail(outcome, Cause::Build, container.reason, container.message);
  } else if (container.exit_code == 0) {
    Fail(outcome, Cause::Build, "PodFailed",
         "the build's container ended well, but another one of its Pod failed");
  } else {
    if (killed) code += ": something killed it or a child of it; the kernel does where memory is short";
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

bool Ended(const PodView& pod) { return pod.build && pod.build->state == ContainerView::State::Terminated; }

Outcome OutcomeOf(const JobView& job, const std::optional<PodView>& pod) {
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
  } else if (pod->deleting) {
    Fail(outcome, Cause::Infrastructure, "PodDeleted", "its Pod was deleted while it ran");
  } else if (!ended) {
    Fail(outcome, Cause::Infrastructure, job.reason.empty() ? "NotStarted" : Printable(job.reason, 64),
         "the build's container never ran: " + job.message);
  } else {
    FailByItself(outcome, *pod->build);
  }
  return outcome;
}

Outcome OutcomeOfDeleted(const JobView& job, Time now) {
  Outcome outcome;
  outcome.started = job.created;
  outcome.finished = now;
  Fail(outcome, Cause::Infrastructure, "JobDeleted", "its Job was deleted before it ended");
  return outcome;
}

}  // namespace imagebatch::cluster
