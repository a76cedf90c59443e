#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "cluster/control/reconciler.h"
#include "simulation/api_server.h"
#include "simulation/node.h"

/// The real reconciler and plan against a simulated cluster, in one thread, driven by a seed. The same seed
/// gives the same run, so a failing one can be run again under a debugger.
namespace imagebatch::simulation {

/// The one batch of the simulation.
inline constexpr std::chrono::seconds kPending(90);  // spec.stall.afterSeconds
inline constexpr const char* kBatch = "sim";

/// A rule that must never be broken was broken; what and when.
struct Violation {
  std::string what;
};

class Simulation {
 public:
  explicit Simulation(uint64_t seed, bool print = false);

  /// Runs until the batch is finished; throws Violation.
  void Run();

  /// What has been exercised, for the summary.
  struct Tally {
    uint64_t events = 0, requests = 0, lost_replies = 0, kills = 0, relists = 0, deletions = 0,
             hangs_seen = 0, blows = 0, hangs_ended = 0, stalls_seen = 0, ended = 0, jobs = 0, strangers = 0,
             rows_lost = 0, skipped = 0, reruns = 0, shutdowns = 0;
    void Add(const Tally& other);
  };
  const Tally& tally() const { return tally_; }

 private:
  using Action = std::function<void()>;
  struct Timed {
    Time at;
    uint64_t order;
    Action action;
    bool operator>(const Timed& other) const { return std::tie(at, order) > std::tie(other.at, other.order); }
  };

  bool Advance();

  // The cluster
  nlohmann::json MakeBatch();
  void Schedule(Duration after, Action action);
  void OnWatch(ApiServer::Kind kind, cluster::Change change, const nlohmann::json& object);
  void Chaos();
  bool Chance(double probability) {
    return faults_ && std::uniform_real_distribution<double>()(random_) < probability;
  }
  int Pick(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
  std::string AnyJob();
  void LoseRows();
  void ShutDown();
  void CheckStopped() const;
  void ChangeSpec(const nlohmann::json& patch);
  void RunAgain(const nlohmann::json& builds);
  void BringBack();
  bool Done() const;
  void RunUntilDone();
  void DeleteAnyJob(const std::string& job);
  void Forge(const std::string& job);
  void DeleteEverything();
  std::optional<kube::Response> Refuse(const kube::Request& request);

  // The controller and its connection
  void StartController();
  void KillController();
  void Deliver(const cluster::Event& event);
  void DeliverObject(ApiServer::Kind kind, cluster::Change change, const nlohmann::json& object);
  void List(cluster::Collection collection);
  void Step();
  void Send(const cluster::Command& command);
  void Answer(uint64_t id, const kube::Request& request);
  void Ask(const registry::Question& question);
  bool IsThere(const std::string& image) const;
  cluster::Now Now() const { return {now_, SteadyTime(now_.time_since_epoch())}; }

  // The rules
  void CheckQuestion(const std::string& image) const;
  void CheckCreate(const nlohmann::json& job);
  void CheckDelete(const nlohmann::json& job);
  void CheckStatus(const nlohmann::json& batch);
  void CheckEvent(const nlohmann::json& event);
  void NoteTold();
  bool Stands(const std::string& verdict) const;
  void CheckHangsAreShown();
  void CheckEvidence();
  bool HasEvidence(const std::string& job) const { return evidence_.contains(job); }
  bool IsShown(const std::string& job, const nlohmann::json& status) const;
  void NoteShownStalls(const nlohmann::json& status);
  void CheckStallsAreShown();
  void CheckLimits(const nlohmann::json& job, const std::set<std::string>& active);
  void NoteTooMany();
  void CheckRound(const nlohmann::json& job);
  void CheckBudgets();
  void CheckEnd();
  void CheckQuiet();
  [[noreturn]] void Break(const std::string& what) const;
  std::vector<nlohmann::json> StoredResults() const;
  bool IsStored(const std::string& job) const;
  void Say(const std::string& what) const;

  std::mt19937 random_;
  const bool print_;
  Time now_{std::chrono::hours(24 * 365 * 55)};
  uint64_t order_ = 0;
  std::priority_queue<Timed, std::vector<Timed>, std::greater<>> queue_;
  Time quiet_{};  // some time after the last fault: what it had delayed is done
  Tally tally_;
  /// What happens to the whole, in some of the runs.
  enum class Blow : uint8_t { None, NamespaceDeleted, KindDeletedAndBack };
  Blow blow_ = Blow::None;
  bool loses_rows_ = false;                       // in some of the runs, while they are there
  bool reruns_ = false;                           // in some of the runs, while there are faults
  int stage_parallelism_ = 0, first_builds_ = 0;  // of the images; 0: none
  std::optional<int> max_failed_;
  std::optional<Time> too_many_since_,
      stopped_since_;  // more have failed than may, by the results; shut down
  bool faults_ = true;
  bool terminated_ = false;  // shut down with Terminate, once or more often
  bool used_up_ = false;     // a quota has no room for Jobs in one minute of three, while there are faults
  bool every_third_fails_ = false;  // of the requests, with 500, while there are faults
  nlohmann::json batch_;            // as somebody has applied it

  std::set<std::string> there_;  // images that are in the registry from the beginning
  int parallelism_ = 1;
  const bool skips_;  // spec.existing is Skip, in one run of four
  bool retry_hung_ = false;
  bool many_hang_ = false;                                 // more than the evidence of which is kept
  std::map<std::string, std::string> build_of_image_;      // image reference -> build hash, as Jobs show them
  std::map<std::string, std::vector<std::string>> needs_;  // image -> images
  std::map<std::string, int> creates_;                     // Job name -> accepted creates
  std::vector<std::pair<ApiServer::Kind, nlohmann::json>> strangers_;  // objects that claim to be the batch's
  int forged_ = 0;
  int incarnation_ = 0;         // of the controller
  std::string only_;            // stage/name: nothing else that has failed may run again
  std::set<std::string> told_;  // hung builds that the status showed when the controller started, and shows
  std::set<std::string> untraced_;  // Jobs deleted by hand before their result was stored

  std::unique_ptr<ApiServer> api_;
  std::unique_ptr<Node> node_;
  std::unique_ptr<cluster::Reconciler> reconciler_;
  std::map<cluster::Collection, Time> last_delivery_;  // a watch keeps its order
  std::map<cluster::Collection, int> watches_;         // which one is running
  std::deque<std::pair<uint64_t, kube::Request>> wire_;
  std::set<std::string> shown_hung_;
  std::set<std::string> deleted_;   // Jobs that were deleted by hand, or whose Pod was
  std::set<std::string> evidence_;  // records of evidence that have ever been there, by the Job's name
  std::set<std::pair<std::string, Time>> shown_stalled_;
};

}  // namespace imagebatch::simulation
