#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/rare.h"
#include "base/result.h"
#include "base/time.h"
#include "kube/transport.h"
#include "registry/answer.h"

/// What the cluster shows of a batch: the few fields of each object that anything here depends on.
namespace imagebatch::cluster {

/// A resourceVersion. Comparable within one resource type (kubernetes/enhancements KEP-5504).
using Version = uint64_t;

/// What a Job says of the build it is for.
struct BuildNames {
  std::string stage;  // label imagebatch.dev/stage
  std::string name;   // annotation imagebatch.dev/name: the build's key
  std::string image;  // annotation imagebatch.dev/image
};

struct JobView {
  enum class Phase : uint8_t { Active, Complete, Failed };

  std::string ns, name, uid;
  std::string batch_uid;   // of the controlling owner, where that is an ImageBatch
  std::string build;       // label imagebatch.dev/build
  int attempt = 0;         // label imagebatch.dev/attempt
  int round = 0;           // label imagebatch.dev/round
  Rare<BuildNames> names;  // not kept of those that are followed
  Version version = 0;
  Phase phase = Phase::Active;
  std::string reason, message;  // of the condition that ended it
  Time created{}, finished{};
  Time started{};          // status.startTime: when Pods were first allowed, anew after each suspension
  bool suspended = false;  // by spec.suspend: a queue holds it, and it has no Pod on purpose
  bool deleting = false;   // what it owns goes first
  Time deletion{};         // of a deleting one: since when
  bool gone = false;       // the object is no more: this is the last that was seen of it
};

/// A container of a Pod.
struct ContainerView {
  enum class State : uint8_t { Waiting, Running, Terminated };
  enum class Role : uint8_t {
    Build,    // runs the build
    Init,     // runs before it, and ends
    Sidecar,  // an init container with restartPolicy Always: from before the build to after its end
    Other,    // runs beside it
  };

  std::string name;
  Role role = Role::Other;
  State state = State::Waiting;
  bool ready = false;
  bool up = true;       // of a running one: false while its startupProbe has not passed
  std::string reason;   // why it waits, or how it terminated: ImagePullBackOff, Error, OOMKilled
  std::string message;  // of a terminated one: the termination message, at most 4,096 bytes
  int exit_code = 0;
  Time started{}, finished{};
};

/// What Kubernetes says a Pod waits for before its build can start.
struct WaitingFor {
  std::string container;        // empty: for a node
  std::string reason, message;  // ImagePullBackOff, CreateContainerConfigError, Unschedulable
  std::string image;            // the container's
};

struct PodView {
  std::string ns, name, uid;
  std::string job, job_uid;  // of the controlling owner; of an orphan as its labels have it
  std::string batch_uid;     // label imagebatch.dev/batch-uid
  std::string node;
  Version version = 0;
  Time created{};
  bool gone = false;  // the object is no more: this is the last that was seen of it
  bool over = false;  // all its containers have ended, or never will run (phase Succeeded or Failed)
  bool deleting = false;
  Time deletion{};  // of a deleting one: when it is to be gone, that is the request and its grace period
  std::string disruption;  // reason of a true DisruptionTarget condition
  std::string failure;     // status.reason: why the kubelet refused or ended it (Evicted, OutOfcpu, NodeLost)
  std::string failure_message;  // of the disruption, or else of the failure
  WaitingFor waiting;           // empty where Kubernetes gives no reason but that it is about to start
  Time step_done{};  // the last step towards the build's start: created, scheduled, an init container ended
  Time ready_changed{};      // last transition of the Ready condition
  bool node_silent = false;  // it is unready although its containers are ready: its node does not answer
  std::chrono::seconds grace{30};  // for its containers to end in, once they are told to
  std::string
      container;       // which container runs the build: annotation kubectl.kubernetes.io/default-container
  std::string marker;  // of the build's runner: variable IMAGEBATCH_MARKER of that container
  bool runner = true;  // false where the template has opted out of it
  std::optional<ContainerView> build;
  std::vector<ContainerView> others;  // but init containers that have ended well, or whose turn has not come
  std::vector<std::pair<std::string, std::string>> images;  // of the containers of one that has not started
};

/// How the command of a watched Pod and its runner stand to each other, by its spec.
enum class Wrapping : uint8_t {
  Whole,      // all there: whether the runner answers is seen later
  NoCommand,  // the container has none, so that nothing can be put before it
  NoMarker,   // no container has the variable IMAGEBATCH_MARKER with the Pod's UID
  NoProbe,    // no readiness probe
  OtherProbe  // one that does not ask the runner
};

/// A Pod of no batch that is to be watched: label imagebatch.dev/watch.
struct WatchedPod {
  struct Owner {
    std::string api_version, kind, name, uid;
  };
  PodView
      pod;  // its build is the container that is watched, its marker the Pod's UID; without others, images
  Owner owner;  // its controller, or the Pod itself where it has none
  Wrapping wrapping = Wrapping::Whole;
};

enum class Collection : uint8_t { Batches, Jobs, Pods, WatchedPods };
inline constexpr size_t kCollections = 4;
enum class Change : uint8_t { Upsert, Gone };  // Gone carries the last state of the object

struct BatchSeen {
  Change change;
  nlohmann::json object;
};
template <class View>
struct Seen {
  Change change;
  View view;
};
using JobSeen = Seen<JobView>;
using PodSeen = Seen<PodView>;
using WatchedPodSeen = Seen<WatchedPod>;
/// A list begins; what it holds comes as Upserts.
struct ListBegun {
  Collection collection;
};
/// A list is whole: what it did not hold and is not younger than `version` is gone.
struct ListEnded {
  Collection collection;
  Version version;
};
/// What the watches tell of the Jobs and Pods of batches.
using Observation = std::variant<JobSeen, PodSeen, ListBegun, ListEnded>;

/// How a request ended; an error means that it may or may not have taken effect.
struct Replied {
  uint64_t id;
  Result<kube::Response> response;
};

/// What a registry says of an image; see Requests::Ask.
struct Asked {
  uint64_t id;
  registry::Answer answer;
};

using Event = std::variant<BatchSeen, Observation, WatchedPodSeen, Replied, Asked>;

/// One moment, by both clocks: wall time for what is written and compared with the cluster's times, steady
/// time for how long something has lasted here.
struct Now {
  Time wall;
  SteadyTime steady;
};

}  // namespace imagebatch::cluster
