#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cluster/objects/builds.h"
#include "cluster/objects/log_end.h"
#include "cluster/objects/markers.h"
#include "cluster/objects/views.h"
#include "cluster/store/channel.h"

namespace imagebatch::cluster {

/// The requests about one attempt's Job and Pods, and what their answers mean. What is to be asked, and what
/// follows from it, is decided elsewhere (Attempts).
class JobClient {
 public:
  JobClient(const batch::Batch& batch, const Builds& builds, RunnerKit& kit, Channel& channel)
      : batch_(batch), builds_(builds), kit_(kit), channel_(channel) {}

  enum class Answer : uint8_t {
    Done,     // it has happened
    Exists,   // there is something else of that name
    Absent,   // there is nothing of that name
    Refused,  // for good: the same request can never succeed
    NotNow,   // refused for the time being, or nobody knows what has become of it
  };
  struct Reply {
    Answer answer = Answer::NotNow;
    std::optional<JobView> job;  // where the answer brought it
    std::string message;         // what the API server said; printable, bounded
  };
  using OnReply = std::function<void(const Reply&, Now)>;
  /// Nothing: they could not be read.
  using OnPods = std::function<void(const std::optional<std::vector<PodView>>&, Now)>;

  /// Done, Exists, Refused or NotNow.
  void Create(const plan::Start& start, OnReply handler);
  /// Done with the Job, Absent or NotNow.
  void Read(const std::string& job, OnReply handler);
  /// The Job of this UID, and its Pods before it. Done, Absent, Exists or NotNow.
  void Delete(const std::string& job, const std::string& uid, OnReply handler);
  /// The Pods that say they are of this Job; which really are, their owner's UID tells.
  void ReadPods(const std::string& job, OnPods handler);
  /// The end of the build's log, as KeptLog gives it, at most 1 KiB: Done with it as the message, Absent or
  /// NotNow.
  void ReadLogEnd(const PodView& pod, OnReply handler, LogEnd end = {});

 private:
  const batch::Batch& batch_;
  const Builds& builds_;
  RunnerKit& kit_;
  Channel& channel_;
};

}  // namespace imagebatch::cluster
