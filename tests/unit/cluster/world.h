#pragma once
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cluster/control/batch_control.h"
#include "cluster/objects/names.h"
#include "cluster/objects/parse.h"
#include "unit/cluster/support.h"

namespace imagebatch::cluster {

/// One batch under control, where everything that the controller is told waits in a queue until the test lets
/// it through: one queue for each watch, since a watch keeps its order, and one for each reply.
class World {
 public:
  using Kind = simulation::ApiServer::Kind;
  static constexpr const char* kJobs = "jobs";
  static constexpr const char* kPods = "pods";

  explicit World(nlohmann::json batch) {
    api_.Put(Kind::Batch, std::move(batch));
    control_ = std::make_unique<BatchControl>(*api_.Find(Kind::Batch, "b"), kit_, requests_, totals_);
  }

  simulation::ApiServer& api() { return api_; }
  Now now() const { return now_; }

  /// What the API server does with a request; the default is what it should.
  std::function<kube::Response(const kube::Request&)> answer = [this](const kube::Request& request) {
    return api_.Handle(request, now_.wall);
  };
  /// True: the reply to this one waits in a queue of its own, called as this says; else it comes at once.
  std::function<std::string(const kube::Request&)> hold = [](const kube::Request&) { return std::string(); };

  /// The queues in which something waits.
  std::vector<std::string> Waiting() const {
    std::vector<std::string> names;
    for (const auto& [name, queue] : queues_) {
      if (!queue.empty()) names.push_back(name);
    }
    return names;
  }
  /// Lets the first of a queue through; what comes in one round is acted upon at its end.
  void Deliver(const std::string& queue, bool round_goes_on = false) {
    const auto act = std::move(queues_.at(queue).front());
    queues_.at(queue).pop_front();
    act();
    if (!round_goes_on) Settle();
  }
  void DeliverAll() {
    for (auto waiting = Waiting(); !waiting.empty(); waiting = Waiting()) Deliver(waiting.front());
  }

  /// Lets everything happen that needs no time, but what waits.
  void Settle() {
    for (int round = 0; round < 200; ++round) {
      control_->Step(true, now_);
      const std::vector<Command> sent = requests_.Take();
      if (sent.empty()) return;
      for (const Command& command : sent) {
        const kube::Response response = answer(command.request);
        const auto reply = [this, id = command.id, response] { requests_.Deliver(id, response, now_); };
        const std::string queue = hold(command.request);
        if (queue.empty()) {
          reply();
        } else {
          queues_[queue].push_back(reply);
        }
      }
    }
    FAIL() << "it does not come to rest";
  }

  /// Lets time pass, and nothing else: what waits is let through at once.
  void Run(Duration time) {
    const SteadyTime end = now_.steady + time;
    for (int stops = 0; stops < 20000; ++stops) {
      Settle();
      DeliverAll();
      const auto next = control_->Next(now_);
      if (!next || *next > end) {
        Pass(std::chrono::ceil<Duration>(end - now_.steady));
        Settle();
        return DeliverAll();
      }
      Pass(std::max<Duration>(std::chrono::ceil<Duration>(*next - now_.steady), Duration(0)));
    }
    FAIL() << "it spins";
  }

  void Pass(Duration time) {
    now_.wall += time;
    now_.steady += time;
  }

  nlohmann::json Status() const {
    return api_.All(Kind::Batch).at("b").value("status", nlohmann::json::object());
  }

  /// Somebody changes the batch.
  void ChangeBatch(const std::function<void(nlohmann::json&)>& change) {
    nlohmann::json batch = *api_.Find(Kind::Batch, "b");
    change(batch);
    batch["metadata"]["generation"] = batch["metadata"]["generation"].get<int>() + 1;
    api_.Put(Kind::Batch, std::move(batch));
  }

  /// The one Job; null where there is none.
  nlohmann::json Job() const {
    return api_.All(Kind::Job).empty() ? nlohmann::json() : api_.All(Kind::Job).begin()->second;
  }
  void PutJob(const std::function<void(nlohmann::json&)>& change) {
    nlohmann::json job = Job();
    if (job.is_null()) return;
    change(job);
    api_.Put(Kind::Job, std::move(job));
  }
  /// A Pod of the one Job, with what `change` makes of it.
  void PutPod(const std::string& name, const std::function<void(nlohmann::json&)>& change) {
    const nlohmann::json job = Job();
    if (job.is_null()) return;
    nlohmann::json pod;
    if (const nlohmann::json* known = api_.Find(Kind::Pod, name)) {
      pod = *known;
    } else {
      pod = job["spec"]["template"];
      pod["metadata"]["name"] = name;
      pod["metadata"]["namespace"] = "builds";
      pod["metadata"]["creationTimestamp"] = FormatTime(now_.wall);
      pod["metadata"]["labels"]["batch.kubernetes.io/job-name"] = job["metadata"]["name"];
      pod["metadata"]["ownerReferences"] = {{{"apiVersion", "batch/v1"},
                                             {"kind", "Job"},
                                             {"name", job["metadata"]["name"]},
                                             {"uid", job["metadata"]["uid"]},
                                             {"controller", true}}};
    }
    change(pod);
    api_.Put(Kind::Pod, std::move(pod));
  }
  void RemovePod(const std::string& name) {
    if (api_.Find(Kind::Pod, name) != nullptr) api_.Remove(Kind::Pod, name);
  }

 private:
  void OnWatch(Kind kind, Change change, const nlohmann::json& object) {
    if (kind == Kind::Batch && change == Change::Upsert && control_) control_->OnObject(object);
    if (kind == Kind::Job) {
      queues_[kJobs].push_back([this, change, job = *ParseJob(object.dump())] {
        control_->Observe(JobSeen{change, job}, now_);
      });
    }
    if (kind == Kind::Pod) {
      queues_[kPods].push_back([this, change, pod = *ParsePod(object.dump())] {
        control_->Observe(PodSeen{change, pod}, now_);
      });
    }
  }

  simulation::ApiServer api_{
      [this](Kind kind, Change change, const nlohmann::json& object) { OnWatch(kind, change, object); }};
  Now now_{kBegin, SteadyTime(std::chrono::hours(1))};
  RunnerKit kit_{{"runner:1"}, Markers("secret")};
  Requests requests_;
  metrics::Totals totals_;
  std::unique_ptr<BatchControl> control_;
  std::map<std::string, std::deque<std::function<void()>>> queues_;
};

/// A batch "b" of one build, with the given spec.hang.
inline nlohmann::json BatchOfOne(nlohmann::json hang, nlohmann::json stall) {
  const nlohmann::json pod = {
      {"spec", {{"containers", {{{"name", "build"}, {"image", "r.example/base:1"}, {"command", {"x"}}}}}}}};
  return {{"apiVersion", "imagebatch.dev/v1alpha1"},
          {"kind", "ImageBatch"},
          {"metadata", {{"name", "b"}, {"namespace", "builds"}, {"generation", 1}}},
          {"spec",
           {{"images", {{"rows", {{{"name", "a"}}}}}},
            {"stages", {{{"name", "image"}, {"image", "r.example/image:$(name)"}, {"template", pod}}}},
            {"hang", std::move(hang)},
            {"stall", std::move(stall)},
            {"backoffLimit", 0},
            {"infrastructureRetryLimit", 0},
            {"ttlSecondsAfterFinished", -1}}}};
}

}  // namespace imagebatch::cluster
