#include "cluster/input.h"

#include "base/text.h"
#include "batch/read.h"
#include "cluster/job_object.h"
#include "cluster/names.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kLookAgain(30);
constexpr size_t kTextLimit = 4096;

std::string Digest(const batch::Batch& batch, const std::vector<batch::Row>& rows) {
  json stages = json::array();
  for (const batch::Stage& stage : batch.stages) {
    stages.push_back({stage.name, stage.needs, stage.key, stage.image, stage.pod_template});
  }
  std::string text = json{batch.images.name_from, batch.variables, std::move(stages)}.dump();
  for (const batch::Row& row : rows) text.append("\n").append(json{row.name, row.columns}.dump());
  return Sha256(text);
}

}  // namespace

std::string Describe(const std::vector<batch::Problem>& problems) {
  std::string text;
  for (const batch::Problem& problem : problems) {
    if (!text.empty()) text += "; ";
    text += problem.where.empty() ? problem.message : problem.where + ": " + problem.message;
  }
  return Printable(text, kTextLimit);
}

Input::Input(const batch::Batch& batch, bool started, std::string runner_image, Requests& requests,
             const void* owner)
    : batch_(batch),
      started_(started),
      runner_image_(std::move(runner_image)),
      requests_(requests),
      owner_(owner),
      texts_(batch.images.config_maps.size()) {}

std::optional<SteadyTime> Input::Next() const {
  if (state_ == State::Valid || under_way_ > 0) return std::nullopt;
  return state_ == State::Invalid ? again_ : backoff_.next();
}

void Input::Step(Now now) {
  if (const auto next = Next(); !next || *next > now.steady) return;
  if (state_ == State::Invalid) {
    state_ = State::Reading;
    texts_.assign(texts_.size(), std::nullopt);
    found_.clear();
  }
  if (state_ == State::Reading) {
    bool whole = true;
    for (size_t i = 0; i < texts_.size(); ++i) {
      if (texts_[i]) continue;
      whole = false;
      ReadConfigMap(i);
    }
    if (whole) Expand(now);
  }
  if (state_ == State::Checking) {
    for (const size_t stage : std::exchange(to_check_, {})) CheckStage(stage);
  }
}

void Input::Send(kube::Request request, Requests::Handler handler) {
  requests_.Send(owner_, std::move(request),
                 [alive = std::weak_ptr(alive_), handler = std::move(handler)](
                     const Result<kube::Response>& response, Now now) {
                   if (!alive.expired()) handler(response, now);
                 });
}

void Input::ReadConfigMap(size_t i) {
  ++under_way_;
  const batch::ConfigMapKey& source = batch_.images.config_maps[i];
  kube::Request request;
  request.path = ConfigMapsPath(batch_.ns) + "/" + source.name;
  Send(std::move(request), [this, i, source](const Result<kube::Response>& response, Now now) {
    --under_way_;
    const std::string where = "ConfigMap " + source.name;
    if (HasStatus(response, 404)) {
      found_.push_back(
          {where, "not found in namespace " + batch_.ns + "; create it, it is looked for every 30 s"});
      texts_[i] = "";
      return;
    }
    const json object = Ok(response) ? json::parse(response->body, nullptr, false) : json();
    if (!object.is_object()) return backoff_.Failed(now.steady);
    backoff_.Succeeded();
    const auto data = object.find("data");
    if (data == object.end() || !data->contains(source.key) || !(*data)[source.key].is_string()) {
      found_.push_back({where, "has no key " + source.key + " in its data"});
      texts_[i] = "";
      return;
    }
    texts_[i] = (*data)[source.key].get<std::string>();
  });
}

void Input::Expand(Now now) {
  std::vector<batch::Row> rows;
  batch::ReadInlineRows(batch_.images, rows, found_);
  for (size_t i = 0; i < texts_.size(); ++i) {
    batch::ReadRowLines(*texts_[i], batch_.images.config_maps[i], rows, found_);
    texts_[i]->clear();
  }
  if (!found_.empty()) return Reject(Describe(found_), now.steady);
  auto expansion = batch::Expand(batch_, std::move(rows));
  if (!expansion) return Reject(Describe(expansion.error()), now.steady);
  expansion_ = std::move(*expansion);
  digest_ = Digest(batch_, expansion_.rows);
  if (started_) {
    state_ = State::Valid;
    return;
  }
  state_ = State::Checking;
  unchecked_ = batch_.stages.size();
  to_check_.clear();
  for (size_t stage = 0; stage < batch_.stages.size(); ++stage) to_check_.push_back(stage);
}

void Input::CheckStage(size_t stage) {
  const auto& builds = expansion_.builds;
  const auto first =
      std::find_if(builds.begin(), builds.end(), [&](const batch::Build& b) { return b.stage == stage; });
  // A name that no attempt can have: the dry run must not meet a Job of this batch
  const JobSpec spec{BuildHash(batch_.uid, batch_.stages[stage].name, first->key), first->key, 0,
                     runner_image_, ""};
  kube::Request request;
  request.method = kube::Method::Post;
  request.path = JobsPath(batch_.ns) + "?dryRun=All&fieldValidation=Strict";
  request.body =
      JobObject(batch_, batch_.stages[stage], *first, spec, batch::RenderTemplate(batch_, expansion_, *first))
          .dump(-1, ' ', false, json::error_handler_t::replace);
  ++under_way_;
  Send(std::move(request), [this, stage](const Result<kube::Response>& response, Now now) {
    --under_way_;
    if (state_ != State::Checking) return;  // another stage was refused already
    if (Ok(response)) {
      backoff_.Succeeded();
      if (--unchecked_ == 0) state_ = State::Valid;
    } else if (response && response->status / 100 == 4) {
      Reject("spec.stages[" + std::to_string(stage) +
                 "].template: the API server refuses its Job: " + ErrorMessage(response),
             now.steady);
    } else {
      to_check_.push_back(stage);
      backoff_.Failed(now.steady);
    }
  });
}

void Input::Reject(std::string problems, SteadyTime now) {
  state_ = State::Invalid;
  problems_ = std::move(problems);
  again_ = now + kLookAgain;
}

}  // namespace imagebatch::cluster
