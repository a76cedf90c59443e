#include "cluster/objects/parse.h"

#include <algorithm>
#include <charconv>

#include "batch/pod_template.h"
#include "cluster/objects/json_fields.h"
#include "cluster/objects/names.h"
#include "cluster/objects/pod_containers.h"
#include "contract/contract.h"

namespace imagebatch::cluster {
namespace {

constexpr int64_t kLongestGrace = int64_t{24} * 3600;

int Number(std::string_view text) {
  int number = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
  return end.ec == std::errc() ? number : 0;
}

struct Owner : WatchedPod::Owner {
  bool controller = false;
};

Owner ControllerOf(sj::value references) {
  Owner found;
  Items(references, [&](sj::value reference) {
    Owner owner;
    Fields(reference, [&](std::string_view key, sj::value value) {
      if (key == "apiVersion") owner.api_version = Text(value);
      if (key == "kind") owner.kind = Text(value);
      if (key == "name") owner.name = Text(value);
      if (key == "uid") owner.uid = Text(value);
      if (key == "controller") owner.controller = IsSet(value);
    });
    if (owner.controller) found = std::move(owner);
  });
  return found;
}

void ReadJobMetadata(sj::value metadata, JobView& job) {
  BuildNames names;
  Fields(metadata, [&](std::string_view key, sj::value value) {
    if (key == "name") job.name = Text(value);
    if (key == "namespace") job.ns = Text(value);
    if (key == "uid") job.uid = Text(value);
    if (key == "resourceVersion") job.version = ParseVersion(Text(value));
    if (key == "creationTimestamp") job.created = When(value);
    if (key == "deletionTimestamp") {
      job.deleting = true;
      job.deletion = When(value);
    }
    if (key == "ownerReferences") {
      const Owner owner = ControllerOf(value);
      if (owner.kind == "ImageBatch" && owner.api_version.starts_with(kGroup)) job.batch_uid = owner.uid;
    }
    if (key == "labels") {
      Fields(value, [&](std::string_view label, sj::value text) {
        if (label == kBuildLabel) job.build = Text(text);
        if (label == kAttemptLabel) job.attempt = Number(Text(text));
        if (label == kRoundLabel) job.round = Number(Text(text));
        if (label == kStageLabel) names.stage = Text(text);
      });
    }
    if (key == "annotations") {
      Fields(value, [&](std::string_view annotation, sj::value text) {
        if (annotation == kNameAnnotation) names.name = Text(text);
        if (annotation == kImageAnnotation) names.image = Text(text);
      });
    }
  });
  if (!names.name.empty()) job.names.emplace(std::move(names));
}

struct Condition {
  std::string type, reason, message;
  bool is_true = false;
  bool denied = false;  // it says that it is not true, and not only nothing
  Time changed{};
};

/// Calls `each` for every condition of a status.
template <class Each>
void Conditions(sj::value list, const Each& each) {
  Items(list, [&](sj::value item) {
    Condition condition;
    Fields(item, [&](std::string_view field, sj::value value) {
      if (field == "type") condition.type = Text(value);
      if (field == "status") {
        const std::string text = Text(value);
        condition.is_true = text == "True";
        condition.denied = text == "False" || text == "Unknown";
      }
      if (field == "reason") condition.reason = Text(value);
      if (field == "message") condition.message = Text(value);
      if (field == "lastTransitionTime") condition.changed = When(value);
    });
    each(condition);
  });
}

void ReadJobStatus(sj::value status, JobView& job) {
  Fields(status, [&](std::string_view key, sj::value value) {
    if (key == "startTime") job.started = When(value);
    if (key != "conditions") return;
    Conditions(value, [&](const Condition& condition) {
      if (!condition.is_true || (condition.type != "Complete" && condition.type != "Failed")) return;
      job.phase = condition.type == "Complete" ? JobView::Phase::Complete : JobView::Phase::Failed;
      job.reason = condition.reason;
      job.message = condition.message;
      job.finished = condition.changed;
    });
  });
}

/// A Job that is deleted with --cascade=orphan leaves its Pods without an owner. The labels that the Job
/// controller gave them still tell whose they were.
Owner ReadPodMetadata(sj::value metadata, PodView& pod) {
  Owner owner;
  std::string job, job_uid;  // by label
  Fields(metadata, [&](std::string_view key, sj::value value) {
    if (key == "name") pod.name = Text(value);
    if (key == "namespace") pod.ns = Text(value);
    if (key == "uid") pod.uid = Text(value);
    if (key == "resourceVersion") pod.version = ParseVersion(Text(value));
    if (key == "creationTimestamp") {
      pod.created = When(value);
      pod.step_done = std::max(pod.step_done, pod.created);
    }
    if (key == "deletionTimestamp") {
      pod.deleting = true;
      pod.deletion = When(value);
    }
    if (key == "ownerReferences") {
      owner = ControllerOf(value);
    }
    if (key == "labels") {
      Fields(value, [&](std::string_view label, sj::value text) {
        if (label == kBatchUidLabel) pod.batch_uid = Text(text);
        if (label == "batch.kubernetes.io/job-name") job = Text(text);
        if (label == "batch.kubernetes.io/controller-uid") job_uid = Text(text);
      });
    }
    if (key == "annotations") {
      Fields(value, [&](std::string_view annotation, sj::value text) {
        if (annotation == kContainerAnnotation) pod.container = Text(text);
        if (annotation == batch::kRunnerAnnotation) pod.runner = Text(text) != batch::kNoRunner;
      });
    }
  });
  if (owner.kind.empty()) {
    pod.job = std::move(job);
    pod.job_uid = std::move(job_uid);
  } else if (owner.kind == "Job") {
    pod.job = owner.name;
    pod.job_uid = owner.uid;
  }
  return owner;
}

void ReadContainerState(sj::value state, ContainerView& container) {
  Fields(state, [&](std::string_view kind, sj::value detail) {
    if (kind == "running") container.state = ContainerView::State::Running;
    if (kind == "terminated") container.state = ContainerView::State::Terminated;
    Fields(detail, [&](std::string_view key, sj::value value) {
      if (key == "reason") container.reason = Text(value);
      if (key == "message") container.message = Text(value);
      if (key == "startedAt") container.started = When(value);
      if (key == "finishedAt") container.finished = When(value);
      if (key == "exitCode") {
        int64_t code = 0;
        if (!value.get_int64().get(code)) container.exit_code = static_cast<int>(code);
      }
    });
  });
}

std::vector<ContainerView> ReadContainers(sj::value list) {
  std::vector<ContainerView> containers;
  Items(list, [&](sj::value item) {
    ContainerView container;
    Fields(item, [&](std::string_view field, sj::value inner) {
      if (field == "name") container.name = Text(inner);
      if (field == "state") ReadContainerState(inner, container);
      if (field == "ready") container.ready = IsSet(inner);
      if (field == "started") container.up = IsSet(inner);
    });
    containers.push_back(std::move(container));
  });
  return containers;
}

/// The node lifecycle controller sets the condition Ready of the Pods of a node that does not answer, and
/// nothing else of their status (MarkPodsNotReady in pkg/controller/util/node). The kubelet, which is all
/// else that writes it, gives a reason.
bool SaysNodeIsSilent(const Condition& ready, bool containers_ready) {
  return ready.denied && ready.reason.empty() && containers_ready;
}

void ReadPodStatus(sj::value status, PodView& pod, PodContainers& containers) {
  std::string message, disruption_message;
  Condition ready;
  bool containers_ready = true;
  Fields(status, [&](std::string_view key, sj::value value) {
    if (key == "phase") {
      const std::string phase = Text(value);
      pod.over = phase == "Succeeded" || phase == "Failed";
    }
    if (key == "reason") pod.failure = Text(value);
    if (key == "message") message = Text(value);
    if (key == "conditions") {
      Conditions(value, [&](const Condition& condition) {
        if (condition.type == "Ready") ready = condition;
        if (condition.type == "ContainersReady") containers_ready = condition.is_true;
        if (condition.type == "PodScheduled") {
          pod.step_done = std::max(pod.step_done, condition.is_true ? condition.changed : Time{});
          if (!condition.is_true) pod.waiting = {"", condition.reason, condition.message, ""};
        }
        if (condition.type == "DisruptionTarget" && condition.is_true) {
          pod.disruption = condition.reason.empty() ? "Disrupted" : condition.reason;
          disruption_message = condition.message;
        }
      });
    }
    if (key == "initContainerStatuses") containers.init_states = ReadContainers(value);
    if (key == "containerStatuses") containers.states = ReadContainers(value);
  });
  pod.ready_changed = ready.changed;
  pod.node_silent = SaysNodeIsSilent(ready, containers_ready);
  pod.failure_message = pod.disruption.empty() ? std::move(message) : std::move(disruption_message);
}

/// The variable that tells the runner's marker, where `variable` is that one.
void ReadMarker(sj::value variable, ContainerSpec& spec) {
  std::string name, text;
  bool uid = false;
  Fields(variable, [&](std::string_view field, sj::value inner) {
    if (field == "name") name = Text(inner);
    if (field == "value") text = Text(inner);
    if (field != "valueFrom") return;
    Fields(inner, [&](std::string_view source, sj::value from) {
      if (source != "fieldRef") return;
      Fields(from, [&](std::string_view key, sj::value path) {
        if (key == "fieldPath") uid = Text(path) == "metadata.uid";
      });
    });
  });
  if (name != contract::kMarkerVariable) return;
  spec.marker = std::move(text);
  spec.marker_is_uid = uid;
}

/// A probe asks the runner over HTTP, by its path, or by its command "probe".
ContainerSpec::Probe ReadProbe(sj::value probe) {
  bool asks = false;
  Fields(probe, [&](std::string_view kind, sj::value how) {
    Fields(how, [&](std::string_view key, sj::value value) {
      if (kind == "httpGet" && key == "path") asks = asks || Text(value) == contract::kProgressPath;
      if (kind == "exec" && key == "command")
        Items(value, [&](sj::value word) { asks = asks || Text(word) == "probe"; });
    });
  });
  return asks ? ContainerSpec::Probe::OfRunner : ContainerSpec::Probe::Other;
}

std::vector<ContainerSpec> ReadSpecs(sj::value list) {
  std::vector<ContainerSpec> specs;
  Items(list, [&](sj::value container) {
    ContainerSpec spec;
    Fields(container, [&](std::string_view key, sj::value value) {
      if (key == "name") spec.name = Text(value);
      if (key == "image") spec.image = Text(value);
      if (key == "restartPolicy") spec.restarts = Text(value) == "Always";
      if (key == "command") Items(value, [&](sj::value) { spec.command = true; });
      if (key == "readinessProbe") spec.probe = ReadProbe(value);
      if (key == "env") Items(value, [&](sj::value variable) { ReadMarker(variable, spec); });
    });
    specs.push_back(std::move(spec));
  });
  return specs;
}

void ReadPodSpec(sj::value spec, PodView& pod, PodContainers& containers) {
  Fields(spec, [&](std::string_view field, sj::value value) {
    if (field == "nodeName") pod.node = Text(value);
    if (field == "initContainers") containers.init_specs = ReadSpecs(value);
    if (field == "containers") containers.specs = ReadSpecs(value);
    int64_t seconds = 0;
    if (field == "terminationGracePeriodSeconds" && !value.get_int64().get(seconds))
      pod.grace = std::chrono::seconds(std::clamp<int64_t>(seconds, 0, kLongestGrace));
  });
}

/// Fills in all but what TakeContainers does; the Pod's controller.
Owner ReadPodObject(sj::value object, PodView& pod, PodContainers& containers) {
  Owner owner;
  Fields(object, [&](std::string_view key, sj::value value) {
    if (key == "metadata") owner = ReadPodMetadata(value, pod);
    if (key == "spec") ReadPodSpec(value, pod, containers);
    if (key == "status") ReadPodStatus(value, pod, containers);
  });
  return owner;
}

PodView ReadPod(sj::value object) {
  PodView pod;
  PodContainers containers;
  ReadPodObject(object, pod, containers);
  TakeContainers(std::move(containers), pod);
  return pod;
}

Wrapping WrappingOf(const ContainerSpec* spec) {
  if (spec == nullptr || (!spec->marker_is_uid && !spec->command)) return Wrapping::NoCommand;
  if (!spec->marker_is_uid) return Wrapping::NoMarker;
  if (spec->probe == ContainerSpec::Probe::None) return Wrapping::NoProbe;
  return spec->probe == ContainerSpec::Probe::Other ? Wrapping::OtherProbe : Wrapping::Whole;
}

/// What nothing depends on is not kept: there may be many.
WatchedPod ReadWatchedPod(sj::value object) {
  WatchedPod watched;
  PodView& pod = watched.pod;
  PodContainers containers;
  watched.owner = ReadPodObject(object, pod, containers);
  if (watched.owner.kind.empty()) watched.owner = {"v1", "Pod", pod.name, pod.uid};
  const ContainerSpec* spec = WatchedContainer(containers, pod);
  watched.wrapping = WrappingOf(spec);
  pod.container = spec == nullptr ? "" : spec->name;
  TakeContainers(std::move(containers), pod);
  pod.runner = true;
  pod.others = {};
  pod.images = {};
  pod.waiting = {};
  pod.failure_message = {};
  if (pod.build) pod.build->message = {};
  return watched;
}

}  // namespace

Version ParseVersion(std::string_view text) {
  Version version = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), version);
  return end.ec == std::errc() && end.ptr == text.data() + text.size() ? version : 0;
}

Result<JobView> ParseJob(std::string_view object) {
  JobView job;
  const bool whole = WithRoot(object, [&](sj::value root) {
    Fields(root, [&](std::string_view key, sj::value value) {
      if (key == "metadata") ReadJobMetadata(value, job);
      if (key == "spec") {
        Fields(value, [&](std::string_view field, sj::value inner) {
          if (field == "suspend") job.suspended = IsSet(inner);
        });
      }
      if (key == "status") ReadJobStatus(value, job);
    });
  });
  if (!whole || job.name.empty() || job.version == 0) return Fail("not a Job the API server would send");
  return job;
}

Result<PodView> ParsePod(std::string_view object) {
  PodView pod;
  const bool whole = WithRoot(object, [&](sj::value root) { pod = ReadPod(root); });
  if (!whole || pod.name.empty() || pod.version == 0) return Fail("not a Pod the API server would send");
  return pod;
}

Result<WatchedPod> ParseWatchedPod(std::string_view object) {
  WatchedPod watched;
  const bool whole = WithRoot(object, [&](sj::value root) { watched = ReadWatchedPod(root); });
  if (!whole || watched.pod.name.empty() || watched.pod.version == 0)
    return Fail("not a Pod the API server would send");
  return watched;
}

Result<std::vector<PodView>> ParsePodList(std::string_view list) {
  std::vector<PodView> pods;
  bool is_list = false;
  const bool whole = WithRoot(list, [&](sj::value root) {
    Fields(root, [&](std::string_view key, sj::value value) {
      if (key != "items") return;
      is_list = true;
      Items(value, [&](sj::value item) { pods.push_back(ReadPod(item)); });
    });
  });
  if (!whole || !is_list) return Fail("not a list of Pods the API server would send");
  return pods;
}

}  // namespace imagebatch::cluster
