#pragma once
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>

#include "simulation/api_server.h"

namespace imagebatch::simulation {

/// A Job has ended.
bool Finished(const nlohmann::json& job);

/// The Job controller, a scheduler and a kubelet: Jobs become Pods, Pods wait, run, hang, fail, end and
/// linger. What becomes of an attempt is drawn when its Job is seen.
class Node {
 public:
  using Schedule = std::function<void(Duration after, std::function<void()> action)>;

  Node(ApiServer& api, std::mt19937& random, Schedule schedule, std::function<Time()> now,
       bool runner_ends_hung);

  void OnJob(const std::string& name);
  /// Its Pod goes too, but not at once.
  void OnJobGone(const std::string& name);

  /// By hand, or by a node that drains: it may live on for its grace period, and longer.
  void DeletePod(const std::string& job);
  /// By hand or by the controller. `policy`: Background, Foreground or Orphan.
  void DeleteJob(const std::string& job, const std::string& policy);

  /// While false, builds neither fail nor hang, and nothing keeps them from starting.
  bool misfortune = true;
  /// Of a hundred builds, so many hang.
  int hang_percent = 8;
  /// Jobs that have ever been Complete.
  std::set<std::string> completed;
  /// When something has last moved: a build begun or ended.
  Time moved{};
  /// Builds that have ever had a Complete Job, by build hash.
  std::set<std::string> succeeded;
  std::set<std::string> pushed;  // builds whose image is in the registry, whatever became of their Jobs
  /// Of those, the ones with a Job that had not stood still for `may_stand` before it came to life: the
  /// attempt of such a Job may have been ended, and it could not be deleted in time.
  std::set<std::string> finished;
  Duration may_stand{0};
  /// Attempts that their runner has ended because they hung, by Job name.
  std::set<std::string> ended_hung;
  /// Pods that hang now, since when.
  std::map<std::string, Time> hanging;
  /// Jobs whose Pod does not start or does not go now, and since when.
  std::map<std::string, Time> stalled;

 private:
  enum class Hindrance { None, Quota, NoNode, NoImage, NoVolume };
  enum class Fate { Succeed, Fail, OutOfMemory, Hang, Evict };

  nlohmann::json* PodOf(const std::string& job);
  void StartPod(const std::string& job);
  void CreatePod(const std::string& job, Hindrance hindrance);
  static nlohmann::json WaitingStatus(Hindrance hindrance);
  Fate Draw();
  void Tell(const nlohmann::json& object, const char* reason, const char* message);
  void RunPod(const std::string& job, Fate fate);
  void Move(const std::string& job);
  void SetReady(const std::string& job, bool ready);
  void HangPod(const std::string& job);
  void EndPod(const std::string& job, int exit_code, const std::string& reason, nlohmann::json account);
  void RemovePod(const std::string& job);
  std::string MarkerOf(const std::string& job);
  void EndJob(const std::string& job, const nlohmann::json& uid, bool complete);
  Duration Between(int low_ms, int high_ms);

  ApiServer& api_;
  std::mt19937& random_;
  Schedule schedule_;
  std::function<Time()> now_;
  const bool runner_ends_hung_;
  std::set<std::string> late_;  // Jobs that have stood still for longer than they may
};

}  // namespace imagebatch::simulation
