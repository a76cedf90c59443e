#include "cluster/store/input.h"

#include <algorithm>

#include "base/text.h"
#include "batch/read.h"
#include "batch/stage_uses.h"
#include "cluster/objects/job_object.h"
#include "cluster/objects/json_fields.h"
#include "cluster/objects/names.h"
#include "cluster/objects/reply.h"
#include "cluster/objects/sha256.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kLookAgain(30), kLongestPause(300);
constexpr size_t kProblemsLimit = 4096;

/// What is read of a ConfigMap, which may have a megabyte.
struct RowsText {
  std::string version;
  std::optional<std::string> text;  // nothing: it has no such key, or that holds no text
};

/// Nothing where `object` is no ConfigMap that the API server would send.
std::optional<RowsText> ReadRowsText(std::string_view object, std::string_view key) {
  RowsText read;
  const bool whole = WithRoot(object, [&](sj::value root) {
    Fields(root, [&](std::string_view field, sj::value value) {
      if (field != "metadata" && field != "data") return;
      Fields(value, [&](std::string_view name, sj::value inner) {
        if (field == "metadata" && name == "resourceVersion") read.version = Text(inner);
        std::string_view text;
        if (field == "data" && name == key && !inner.get_string().get(text)) read.text = text;
      });
    });
  });
  return whole ? std::optional(std::move(read)) : std::nullopt;
}

/// A policy's word, whatever its code: it may be another one tomorrow.
bool DeniedByPolicy(const std::string& message) {
  return message.find("admission webhook") != std::string::npos ||
         message.find("ValidatingAdmissionPolicy") != std::string::npos;
}

/// The Job itself is wrong: it does not parse, is too large, or breaks the API's own rules.
bool IsFinal(const kube::Response& response, const std::string& message) {
  const int status = response.status;
  return (status == 400 || status == 413 || status == 422) && !DeniedByPolicy(message);
}

}  // namespace

// Another way to make it is another kDigestVersion.
std::string InputDigest(const batch::Batch& batch, const batch::Rows& rows) {
  json stages = json::array();
  for (const batch::Stage& stage : batch.stages) {
    stages.push_back({stage.name, stage.needs, stage.key, stage.image, stage.pod_template});
  }
  Sha256Stream digest;
  digest.Add(json{batch.images.name_from, batch.variables, std::move(stages)}.dump());
  const auto used = batch::UsedColumns(batch);
  for (size_t row = 0; row < rows.size(); ++row) {
    json columns = json::object();
    for (const std::string& name : used) {
      if (const auto value = rows.Value(row, name)) columns[name] = *value;
    }
    digest.Add("\n");
    digest.Add(json{rows.name(row), std::move(columns)}.dump());
  }
  return digest.Take();
}

std::string Describe(const std::vector<batch::Problem>& problems) {
  std::string text;
  for (const batch::Problem& problem : problems) {
    if (!text.empty()) text += "; ";
    text += problem.where.empty() ? problem.message : problem.where + ": " + problem.message;
  }
  return Printable(text, kProblemsLimit);
}

Input::Input(const batch::Batch& batch, bool started, RunnerSource runner, Channel& channel)
    : batch_(batch),
      started_(started),
      runner_(std::move(runner)),
      channel_(channel),
      sources_(batch::Sources(batch.images)),
      texts_(sources_.size()),
      versions_(texts_.size()),
      pause_(kLookAgain) {}

std::optional<SteadyTime> Input::Next() const {
  if (state_ == State::Valid || under_way_ > 0) return std::nullopt;
  if (state_ == State::Invalid && texts_.empty() && !found_.empty()) return std::nullopt;  // all in the spec
  return Rejected() ? again_ : backoff_.next();
}

void Input::Step(Now now) {
  if (const auto next = Next(); !next || *next > now.steady) return;
  if (Rejected()) {
    state_ = State::Reading;
    texts_.assign(texts_.size(), std::nullopt);
    missing_.clear();
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

void Input::ReadConfigMap(size_t i) {
  ++under_way_;
  const batch::ConfigMapKey& source = sources_[i];
  channel_.Get({Purpose::ReadRows, source.name}, ConfigMapsPath(batch_.ns) + "/" + source.name,
               [this, i, source](const Result<kube::Response>& response, Now now) {
                 --under_way_;
                 const std::string where = "ConfigMap " + source.name;
                 if (HasStatus(response, 404)) {
                   missing_.push_back({where, "not found in namespace " + batch_.ns + "; create it"});
                   texts_[i] = "";
                   versions_[i].clear();
                   return;
                 }
                 auto read = Ok(response) ? ReadRowsText(response->body, source.key) : std::nullopt;
                 if (!read) return backoff_.Failed(now.steady);
                 backoff_.Succeeded();
                 versions_[i] = std::move(read->version);
                 if (!read->text)
                   missing_.push_back({where, "has no key " + source.key + " in its data; add it"});
                 texts_[i] = std::move(read->text).value_or("");
               });
}

void Input::Expand(Now now) {
  // Each text goes as soon as its rows are read
  auto texts = std::exchange(texts_, decltype(texts_)(texts_.size(), std::string()));
  if (versions_ == judged_) {  // the same rows are as right or as wrong as they were
    if (!found_.empty()) return Reject(State::Invalid, problems_, now.steady);
    if (!expansion_.builds.empty()) return Check();
  }
  judged_ = versions_;
  found_.clear();
  expansion_ = {};
  batch::Rows rows(batch::UsedColumns(batch_));
  batch::ReadInlineRows(batch_.images, rows, found_);
  std::vector<std::string> listed;
  for (size_t i = 0; i < texts.size(); ++i) {
    // Where something is missing, that is told, and not that its text names nobody
    if (i < batch_.images.config_maps.size() || missing_.empty())
      batch::ReadSource(batch_.images, i, *texts[i], rows, listed, found_);
    texts[i].reset();
  }
  if (!found_.empty()) {
    found_.insert(found_.end(), missing_.begin(), missing_.end());
    return Reject(State::Invalid, Describe(found_), now.steady);
  }
  if (!missing_.empty()) {
    reason_ = "RowsMissing";
    return Reject(State::Lacking, Describe(missing_), now.steady);
  }
  auto expansion = batch::Expand(batch_, std::move(rows), listed);
  if (!expansion) {
    found_ = std::move(expansion.error());
    return Reject(State::Invalid, Describe(found_), now.steady);
  }
  expansion_ = std::move(*expansion);
  digest_ = InputDigest(batch_, expansion_.rows);
  Check();
}

void Input::Check() {
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
  const std::string key(first->key);
  // A name that no attempt can have: the dry run must not meet a Job of this batch
  const JobSpec spec{BuildHash(batch_.uid, batch_.stages[stage].name, key), key, 0, runner_, ""};
  std::string job =
      JobObject(batch_, batch_.stages[stage], *first, spec,
                batch::RenderTemplate(batch_, expansion_, static_cast<size_t>(first - builds.begin())))
          .dump(-1, ' ', false, json::error_handler_t::replace);
  ++under_way_;
  channel_.Create({Purpose::DryRun, batch_.stages[stage].name},
                  JobsPath(batch_.ns) + "?dryRun=All&fieldValidation=Strict", std::move(job),
                  [this, stage](const Result<kube::Response>& response, Now now) {
                    --under_way_;
                    if (state_ != State::Checking) return;  // another stage was refused already
                    if (Ok(response)) {
                      backoff_.Succeeded();
                      if (--unchecked_ == 0) state_ = State::Valid;
                    } else if (!Failed(Purpose::DryRun, response)) {
                      Refused(stage, *response, now.steady);
                    } else {
                      to_check_.push_back(stage);
                      backoff_.Failed(now.steady);
                    }
                  });
}

void Input::Refused(size_t stage, const kube::Response& response, SteadyTime now) {
  const std::string message = ErrorMessage(response);
  reason_ = "JobsRefused";
  Reject(IsFinal(response, message) ? State::Invalid : State::Lacking,
         "spec.stages[" + std::to_string(stage) + "].template: the API server refuses its Job: " + message,
         now);
}

void Input::Reject(State state, std::string problems, SteadyTime now) {
  if (problems != problems_) pause_ = kLookAgain;
  state_ = state;
  problems_ = std::move(problems);
  again_ = now + pause_;
  pause_ = std::min<Duration>(pause_ * 2, kLongestPause);
}

}  // namespace imagebatch::cluster
