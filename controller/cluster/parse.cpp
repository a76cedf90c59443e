#include "cluster/parse.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>

#include "batch/pod_template.h"
#include "cluster/names.h"

namespace imagebatch::cluster {
namespace {

namespace sj = simdjson::ondemand;

constexpr size_t kTextLimit = 4096;  // bytes of a message that are kept

std::string Text(sj::value value) {
  std::string_view text;
  if (value.get_string().get(text)) return {};
  return std::string(text.substr(0, kTextLimit));
}

Time When(sj::value value) {
  std::string_view text;
  if (value.get_string().get(text)) return {};
  return ParseTime(text).value_or(Time{});
}

bool IsSet(sj::value value) {
  bool set = false;
  return !value.get_bool().get(set) && set;
}

bool IsTrue(sj::value value) {
  std::string_view text;  // conditions spell it "True"
  return !value.get_string().get(text) && text == "True";
}

int Number(std::string_view text) {
  int number = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
  return end.ec == std::errc() ? number : 0;
}

/// Calls `each(key, value)` for every field; anything but an object has none.
template <class Each>
void Fields(sj::value value, const Each& each) {
  sj::object object;
  if (value.get_object().get(object)) return;
  for (auto field : object) {
    std::string_view key;
    sj::value inner;
    if (field.unescaped_key().get(key)) return;
    if (field.value().get(inner)) return;
    each(key, inner);
  }
}

template <class Each>
void Items(sj::value value, const Each& each) {
  sj::array array;
  if (value.get_array().get(array)) return;
  for (auto item : array) {
    sj::value inner;
    if (item.get(inner)) return;
    each(inner);
  }
}

struct Owner {
  std::string api_version, kind, name, uid;
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
  Fields(metadata, [&](std::string_view key, sj::value value) {
    if (key == "name") job.name = Text(value);
    if (key == "namespace") job.ns = Text(value);
    if (key == "uid") job.uid = Text(value);
    if (key == "resourceVersion") job.version = ParseVersion(Text(value));
    if (key == "creationTimestamp") job.created = When(value);
    if (key == "ownerReferences") {
      const Owner owner = ControllerOf(value);
      if (owner.kind == "ImageBatch" && owner.api_version.starts_with(kGroup)) job.batch_uid = owner.uid;
    }
    if (key == "labels") {
      Fields(value, [&](std::string_view label, sj::value text) {
        if (label == kBuildLabel) job.build = Text(text);
        if (label == kAttemptLabel) job.attempt = Number(Text(text));
      });
    }
  });
}

struct Condition {
  std::string type, reason, message;
  bool is_true = false;
  Time changed{};
};

/// Calls `each` for every condition of a status.
template <class Each>
void Conditions(sj::value list, const Each& each) {
  Items(list, [&](sj::value item) {
    Condition condition;
    Fields(item, [&](std::string_view field, sj::value value) {
      if (field == "type") condition.type = Text(value);
      if (field == "status") condition.is_true = IsTrue(value);
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

void ReadPodMetadata(sj::value metadata, PodView& pod) {
  Fields(metadata, [&](std::string_view key, sj::value value) {
    if (key == "name") pod.name = Text(value);
    if (key == "namespace") pod.ns = Text(value);
    if (key == "uid") pod.uid = Text(value);
    if (key == "resourceVersion") pod.version = ParseVersion(Text(value));
    if (key == "creationTimestamp") pod.step_done = std::max(pod.step_done, When(value));
    if (key == "deletionTimestamp") {
      pod.deleting = true;
      pod.deletion = When(value);
    }
    if (key == "ownerReferences") {
      Owner owner = ControllerOf(value);
      if (owner.kind != "Job") return;
      pod.job = std::move(owner.name);
      pod.job_uid = std::move(owner.uid);
    }
    if (key == "labels") {
      Fields(value, [&](std::string_view label, sj::value text) {
        if (label == kBatchUidLabel) pod.batch_uid = Text(text);
      });
    }
    if (key == "annotations") {
      Fields(value, [&](std::string_view annotation, sj::value text) {
        if (annotation == kContainerAnnotation) pod.container = Text(text);
        if (annotation == batch::kRunnerAnnotation) pod.runner = Text(text) != batch::kNoRunner;
      });
    }
  });
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
    });
    containers.push_back(std::move(container));
  });
  return containers;
}

struct Containers {
  std::vector<ContainerView> init, others;
};

void ReadPodStatus(sj::value status, PodView& pod, Containers& containers) {
  std::string message, disruption_message;
  Fields(status, [&](std::string_view key, sj::value value) {
    if (key == "reason") pod.failure = Text(value);
    if (key == "message") message = Text(value);
    if (key == "conditions") {
      Conditions(value, [&](const Condition& condition) {
        if (condition.type == "Ready") pod.ready_changed = condition.changed;
        if (condition.type == "PodScheduled") {
          pod.step_done = std::max(pod.step_done, condition.is_true ? condition.changed : Time{});
          if (!condition.is_true) pod.waiting = {"", condition.reason, condition.message};
        }
        if (condition.type == "DisruptionTarget" && condition.is_true) {
          pod.disruption = condition.reason.empty() ? "Disrupted" : condition.reason;
          disruption_message = condition.message;
        }
      });
    }
    if (key == "initContainerStatuses") containers.init = ReadContainers(value);
    if (key == "containerStatuses") containers.others = ReadContainers(value);
  });
  pod.failure_message = pod.disruption.empty() ? std::move(message) : std::move(disruption_message);
}

/// A container that waits, and not only for its turn or its first moment.
bool IsHeldUp(const ContainerView& container) {
  return container.state == ContainerView::State::Waiting && !container.reason.empty() &&
         container.reason != "PodInitializing" && container.reason != "ContainerCreating";
}

void TakeContainers(Containers containers, PodView& pod) {
  const auto held_up = [&](const ContainerView& container) {
    if (pod.waiting.reason.empty() && IsHeldUp(container)) {
      pod.waiting = {container.name, container.reason, container.message};
    }
  };
  for (const ContainerView& container : containers.init) {
    held_up(container);
    if (container.state == ContainerView::State::Running) pod.initializing = true;
    pod.step_done = std::max(pod.step_done, container.finished);
  }
  for (ContainerView& container : containers.others) {
    if (container.name != pod.container) continue;
    held_up(container);
    pod.build = std::move(container);
  }
}

/// A container's name, and the marker in its environment.
std::pair<std::string, std::string> ReadMarker(sj::value container) {
  std::string name, marker;
  Fields(container, [&](std::string_view key, sj::value value) {
    if (key == "name") name = Text(value);
    if (key != "env") return;
    Items(value, [&](sj::value variable) {
      std::string variable_name, text;
      Fields(variable, [&](std::string_view field, sj::value inner) {
        if (field == "name") variable_name = Text(inner);
        if (field == "value") text = Text(inner);
      });
      if (variable_name == kMarkerVariable) marker = std::move(text);
    });
  });
  return {std::move(name), std::move(marker)};
}

PodView ReadPod(sj::value object) {
  PodView pod;
  Containers containers;
  std::vector<std::pair<std::string, std::string>> markers;  // by container
  Fields(object, [&](std::string_view key, sj::value value) {
    if (key == "metadata") ReadPodMetadata(value, pod);
    if (key == "spec") {
      Fields(value, [&](std::string_view field, sj::value inner) {
        if (field == "nodeName") pod.node = Text(inner);
        if (field == "containers") {
          Items(inner, [&](sj::value container) { markers.push_back(ReadMarker(container)); });
        }
      });
    }
    if (key == "status") ReadPodStatus(value, pod, containers);
  });
  TakeContainers(std::move(containers), pod);
  for (auto& [container, marker] : markers) {
    if (container == pod.container) pod.marker = std::move(marker);
  }
  return pod;
}

/// Calls `read` with the root of `text`; one parser for each thread, as simdjson advises.
template <class Read>
bool WithRoot(std::string_view text, const Read& read) {
  thread_local sj::parser parser;
  const simdjson::padded_string padded(text);
  sj::document document;
  if (parser.iterate(padded).get(document)) return false;
  sj::value root;
  if (document.get_value().get(root)) return false;
  read(root);
  return document.current_location().error() == simdjson::OUT_OF_BOUNDS;  // the whole text was well-formed
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
