#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cluster/control/batch_control.h"
#include "cluster/objects/names.h"
#include "cluster/objects/parse.h"
#include "unit/cluster/support.h"

namespace imagebatch::cluster {

/// One batch, controlled, on an API server without faults; the test plays the Job controller and the kubelet.
class BatchControlTest : public testing::Test {
 protected:
  using json = nlohmann::json;
  using Kind = simulation::ApiServer::Kind;
  using Method = kube::Method;
  using seconds = std::chrono::seconds;
  using milliseconds = std::chrono::milliseconds;
  /// Enough for what is not delayed on purpose.
  static constexpr milliseconds kMoment{500};

  /// Of rows a and b.
  static json Object() {
    const json pod = {
        {"spec", {{"containers", {{{"name", "build"}, {"image", "i"}, {"command", {"x", "$(image)"}}}}}}}};
    return {{"apiVersion", "imagebatch.dev/v1alpha1"},
            {"kind", "ImageBatch"},
            {"metadata", {{"name", "b"}, {"namespace", "builds"}, {"generation", 1}}},
            {"spec",
             {{"parallelism", 1},
              {"images", {{"rows", {{{"name", "a"}}, {{"name", "b"}}}}}},
              {"stages", {{{"name", "image"}, {"image", "r.example/image:$(name)"}, {"template", pod}}}},
              {"backoffLimit", 0},
              {"infrastructureRetryLimit", 0},
              {"ttlSecondsAfterFinished", -1}}}};
  }
  /// A batch of rows a and b from a ConfigMap, and that ConfigMap with the name of its second row.
  static json FromConfigMap() {
    json object = Object();
    object["spec"]["images"] = {{"configMaps", {{{"name", "rows"}, {"key", "k"}}}}};
    return object;
  }
  static json Rows(const std::string& second) {
    return {{"metadata", {{"name", "rows"}, {"namespace", "builds"}}},
            {"data", {{"k", "{\"name\": \"a\"}\n{\"name\": \"" + second + "\"}"}}}};
  }

  void Create(json object) {
    api_.Put(Kind::Batch, std::move(object));
    Restart();
  }

  /// A new process, which lists what is there.
  void Restart() {
    control_.reset();
    requests_.Take();
    requests_.TakeQuestions();
    control_ = std::make_unique<BatchControl>(*api_.Find(Kind::Batch, "b"), kit_, requests_, totals_);
    for (const auto& [name, job] : api_.All(Kind::Job))
      control_->Observe(JobSeen{Change::Upsert, *ParseJob(job.dump())}, now_);
    for (const auto& [name, pod] : api_.All(Kind::Pod))
      control_->Observe(PodSeen{Change::Upsert, *ParsePod(pod.dump())}, now_);
    Run(kMoment);
  }

  /// Lets everything happen that needs no time.
  void Settle() {
    for (int round = 0; round < 200; ++round) {
      control_->Step(true, now_);
      const std::vector<Command> sent = requests_.Take();
      const std::vector<registry::Question> questions = requests_.TakeQuestions();
      if (sent.empty() && questions.empty()) return;
      for (const registry::Question& question : questions) {
        asked_.push_back(question.image);
        requests_.Deliver(question.id, registry_(question.image), now_);
      }
      for (const Command& command : sent) {
        Note(command.request);
        const int refusal = refuse_ ? refuse_(command) : 0;
        const kube::Response response = refusal != 0
                                            ? kube::Response{refusal, refused_with_.dump(), std::nullopt}
                                            : api_.Handle(command.request, now_.wall);
        requests_.Deliver(command.id, response, now_);
      }
    }
    FAIL() << "it does not come to rest";
  }

  /// Lets time pass, stopping wherever something is to be done.
  void Run(Duration time) {
    const SteadyTime end = now_.steady + time;
    for (int stops = 0;; ++stops) {
      ASSERT_LT(stops, 3000) << "it spins";
      Settle();
      const auto next = control_->Next(now_);
      if (!next || *next > end) break;
      ASSERT_GT(*next, now_.steady) << "it spins: due again at once, without an event";
      Pass(std::max<Duration>(std::chrono::ceil<milliseconds>(*next - now_.steady), milliseconds(0)));
    }
    Pass(std::chrono::duration_cast<Duration>(end - now_.steady));
    Settle();
  }

  void Pass(Duration time) {
    now_.wall += time;
    now_.steady += time;
  }

  void Note(const kube::Request& request) {
    if (request.path.ends_with("/events")) {
      const json event = json::parse(request.body);
      told_.push_back(event["reason"]);
      messages_.push_back(event["message"]);
    }
    if (request.method == Method::Get) reads_.push_back(request.path);
    if (request.method == Method::Get || request.path.ends_with("/events") ||
        request.path.ends_with("/status"))
      return;
    if (request.path.find("dryRun") != std::string::npos) return;
    const char* verb = request.method == Method::Post     ? "create"
                       : request.method == Method::Delete ? "delete"
                                                          : "patch";
    const std::string path = request.path.substr(0, request.path.find('?'));
    const std::string key = "/namespaces/builds/";
    writes_.push_back(std::string(verb) + " " + path.substr(path.find(key) + key.size()));
  }

  void OnWatch(Kind kind, Change change, const json& object) {
    if (!control_ || blind_) return;
    if (kind == Kind::Batch && change == Change::Upsert) control_->OnObject(object);
    if (kind == Kind::Job) control_->Observe(JobSeen{change, *ParseJob(object.dump())}, now_);
  }

  std::vector<std::string> Jobs() const {
    std::vector<std::string> names;
    for (const auto& [name, job] : api_.All(Kind::Job)) names.push_back(name);
    return names;
  }

  std::string JobOf(const std::string& row) const {
    for (const auto& [name, job] : api_.All(Kind::Job)) {
      if (job["metadata"]["annotations"]["imagebatch.dev/name"] == row) return name;
    }
    return {};
  }

  /// The Pod of a row's Job as the Job controller makes it, without a status.
  json PodOf(const std::string& row) const {
    const json& job = api_.All(Kind::Job).at(JobOf(row));
    json pod = job["spec"]["template"];
    pod["metadata"]["name"] = "p";
    pod["metadata"]["namespace"] = "builds";
    pod["metadata"]["ownerReferences"] = {{{"kind", "Job"},
                                           {"name", job["metadata"]["name"]},
                                           {"uid", job["metadata"]["uid"]},
                                           {"controller", true}}};
    return pod;
  }

  /// What the status of a Pod says whose build runs since the begin, and is as ready as its runner says.
  json Running(bool ready) const {
    return {{"conditions", {{{"type", "Ready"}, {"lastTransitionTime", FormatTime(now_.wall)}}}},
            {"containerStatuses",
             {{{"name", "build"},
               {"ready", ready},
               {"state", {{"running", {{"startedAt", FormatTime(kBegin)}}}}}}}}};
  }

  void Show(const json& pod) {
    api_.Put(Kind::Pod, pod);
    const std::string name = pod["metadata"]["name"];
    control_->Observe(PodSeen{Change::Upsert, *ParsePod(api_.Find(Kind::Pod, name)->dump())}, now_);
    Run(kMoment);
  }

  void EndJob(const std::string& row, const char* condition) {
    ASSERT_NE(JobOf(row), "") << row;
    json job = *api_.Find(Kind::Job, JobOf(row));
    job["status"]["conditions"] = {{{"type", condition},
                                    {"status", "True"},
                                    {"reason", "BackoffLimitExceeded"},
                                    {"message", "m"},
                                    {"lastTransitionTime", FormatTime(now_.wall)}}};
    api_.Put(Kind::Job, std::move(job));
    Run(kMoment);
  }

  void ChangeSpec(const json& patch) {
    json object = *api_.Find(Kind::Batch, "b");
    object["spec"].merge_patch(patch);
    object["metadata"]["generation"] = object["metadata"]["generation"].get<int>() + 1;
    api_.Put(Kind::Batch, std::move(object));
    Run(kMoment);
  }

  json Status() const { return api_.All(Kind::Batch).at("b").value("status", json::object()); }

  /// "True: reason: message" of a condition.
  std::string Condition(const std::string& type) const {
    const json status = Status();
    for (const json& condition : status["conditions"]) {
      if (condition["type"] == type) {
        return condition["status"].get<std::string>() + ": " + condition["reason"].get<std::string>() + ": " +
               condition["message"].get<std::string>();
      }
    }
    return "none";
  }

  simulation::ApiServer api_{
      [this](Kind kind, Change change, const json& object) { OnWatch(kind, change, object); }};
  Now now_{kBegin, SteadyTime(std::chrono::hours(1))};
  RunnerKit kit_{{"runner:1"}, Markers("secret")};
  Requests requests_;
  metrics::Totals totals_;
  std::unique_ptr<BatchControl> control_;
  std::vector<std::string> writes_;            // in their order, without those of the status and the Events
  std::vector<std::string> reads_;             // paths
  std::vector<std::string> told_;              // reasons of Events
  std::vector<std::string> messages_;          // ... and what they say
  std::function<int(const Command&)> refuse_;  // with which status; 0: not
  std::vector<std::string> asked_;             // images, of their registries
  std::function<registry::Answer(const std::string&)> registry_ = [](const std::string&) {
    return registry::Answer{registry::Answer::Kind::NotThere, "", "", {}};
  };
  bool blind_ = false;  // the watch brings nothing
  json refused_with_ = Refusal("exceeded quota");

  /// Every request of this purpose is refused.
  void Refuse(Purpose purpose, int status = 403) {
    refuse_ = [=](const Command& command) { return command.purpose == purpose ? status : 0; };
  }
  int64_t Told(const std::string& reason) const { return std::count(told_.begin(), told_.end(), reason); }
};

}  // namespace imagebatch::cluster
