#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "kube/transport.h"

/// What the cluster shows of a batch: the few fields of each object that anything here depends on.
namespace imagebatch::cluster {

/// A resourceVersion. Comparable within one resource type (kubernetes/enhancements KEP-5504).
using Version = uint64_t;

struct JobView {
  enum class Phase : uint8_t { Active, Complete, Failed };

  std::string ns, name, uid;
  std::string batch_uid;  // of the controlling owner, where that is an ImageBatch
  std::string build;      // label imagebatch.dev/build
  int attempt = 0;        // label imagebatch.dev/attempt
  Version version = 0;
  Phase phase = Phase::Active;
  std::string reason, message;  // of the condition that ended it
  Time created{}, finished{};
  Time started{};          // status.startTime: when Pods were first allowed, anew after each suspension
  bool suspended = false;  // by spec.suspend: a queue holds it, and it has no Pod on purpose
};

/// The container of a Pod that runs the build.
struct ContainerView {
  enum class State : uint8_t { Waiting, Running, Terminated };

  std::string name;
  State state = State::Waiting;
  bool ready = false;
  std::string reason;   // why it waits, or how it terminated: ImagePullBackOff, Error, OOMKilled
  std::string message;  // of a terminated one: the termination message, at most 4,096 bytes
  int exit_code = 0;
  Time started{}, finished{};
};

/// What Kubernetes says a Pod waits for before its build can start.
struct WaitingFor {
  std::string container;        // empty: for a node
  std::string reason, message;  // ImagePullBackOff, CreateContainerConfigError, Unschedulable
};

struct PodView {
  std::string ns, name, uid;
  std::string job, job_uid;  // of the controlling owner
  std::string batch_uid;     // label imagebatch.dev/batch-uid
  std::string node;
  Version version = 0;
  bool deleting = false;
  Time deletion{};  // of a deleting one: when it is to be gone, that is the request and its grace period
  std::string disruption;  // reason of a true DisruptionTarget condition
  std::string failure;     // status.reason: why the kubelet refused or ended it (Evicted, OutOfcpu, NodeLost)
  std::string failure_message;  // of the disruption, or else of the failure
  WaitingFor waiting;           // empty where Kubernetes gives no reason but that it is about to start
  bool initializing = false;    // an init container runs
  Time step_done{};  // the last step towards the build's start: created, scheduled, an init container ended
  Time ready_changed{};  // last transition of the Ready condition
  std::string
      container;       // which container runs the build: annotation kubectl.kubernetes.io/default-container
  std::string marker;  // of the build's runner: variable IMAGEBATCH_MARKER of that container
  bool runner = true;  // false where the template has opted out of it
  std::optional<ContainerView> build;
};

enum class Collection : uint8_t { Batches, Jobs, Pods };
enum class Change : uint8_t { Upsert, Gone };  // Gone carries the last state of the object

struct BatchSeen {
  Change change;
  nlohmann::json object;
};
struct JobSeen {
  Change change;
  JobView job;
};
struct PodSeen {
  Change change;
  PodView pod;
};
/// A list begins; what it holds comes as Upserts.
struct ListBegun {
  Collection collection;
};
/// A list is whole: what it did not hold and is not younger than `version` is gone.
struct ListEnded {
  Collection collection;
  Version version;
};
/// How a request ended; an error means that it may or may not have taken effect.
struct Replied {
  uint64_t id;
  Result<kube::Response> response;
};

using Event = std::variant<BatchSeen, JobSeen, PodSeen, ListBegun, ListEnded, Replied>;

/// One moment, by both clocks: wall time for what is written and compared with the cluster's times, steady
/// time for how long something has lasted here.
struct Now {
  Time wall;
  SteadyTime steady;
};

}  // namespace imagebatch::cluster
