#include "cluster/store/evidence_store.h"

#include <algorithm>
#include <utility>

#include "base/percent_encode.h"
#include "cluster/objects/names.h"
#include "cluster/objects/reply.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;

/// The API server will not have it, however often it is asked: no right, quota, a name that is taken.
bool Refuses(const kube::Response& response) {
  const int status = response.status;
  return status / 100 == 4 && status != 404 && status != 408 && status != 409 && status != 429;
}

}  // namespace

std::string EvidenceStore::Name(const std::string& build, int attempt) const {
  return EvidenceName(owner_.name, build, attempt);
}

void EvidenceStore::Put(EvidenceText text, Done done) {
  waiting_.push_back({std::move(text), std::move(done)});
}

std::optional<SteadyTime> EvidenceStore::Next() const {
  return waiting_.empty() || asking_ ? std::nullopt : std::optional(backoff_.next());
}

void EvidenceStore::Step(Now now) {
  if (waiting_.empty() || asking_ || !backoff_.Due(now.steady)) return;
  if (!stored_) return Load();
  const EvidenceText& text = waiting_.front().text;
  const std::string name = Name(text.build, text.attempt);
  const bool exists = std::find(stored_->begin(), stored_->end(), name) != stored_->end();
  if (!exists && stored_->size() >= kKeptEvidence) return DeleteOldest();
  Write(name, exists);
}

// `answered` gets every answer that is not to be asked for again.
void EvidenceStore::Send(Purpose purpose, kube::Request request,
                         std::function<void(const kube::Response&, Now)> answered) {
  asking_ = true;
  channel_.Send({purpose, ""}, std::move(request),
                [this, answered = std::move(answered)](const Result<kube::Response>& response, Now now) {
                  asking_ = false;
                  if (response && Refuses(*response)) return Settle(ErrorMessage(response), now);
                  if (!Ok(response) && !HasStatus(response, 404) && !HasStatus(response, 409))
                    return backoff_.Failed(now.steady);
                  backoff_.Succeeded();
                  answered(*response, now);
                });
}

void EvidenceStore::Load() {
  kube::Request request;
  request.path = RecordsPath(owner_.ns) + "?labelSelector=" + PercentEncode(owner_.uid_label) + "%3D" +
                 owner_.uid + "%2Cimagebatch.dev%2Frecord%3Devidence";
  Send(Purpose::LoadEvidence, std::move(request), [this](const kube::Response& response, Now now) {
    if (response.status == 404) return Settle(ErrorMessage(response), now);  // there is no such kind
    const json list = json::parse(response.body, nullptr, false);
    if (!list.is_object() || !list.contains("items")) return backoff_.Failed(now.steady);
    std::vector<std::pair<std::string, std::string>> by_age;
    for (const json& item : list["items"]) {
      const json& metadata = item["metadata"];
      by_age.emplace_back(metadata.value("creationTimestamp", ""), metadata.value("name", ""));
    }
    std::sort(by_age.begin(), by_age.end());
    stored_.emplace();
    for (auto& [created, name] : by_age) stored_->push_back(std::move(name));
  });
}

void EvidenceStore::DeleteOldest() {
  kube::Request request;
  request.method = kube::Method::Delete;
  request.path = RecordsPath(owner_.ns) + "/" + stored_->front();
  Send(Purpose::DeleteEvidence, std::move(request), [this](const kube::Response& response, Now now) {
    if (response.status == 409) return backoff_.Failed(now.steady);
    stored_->erase(stored_->begin());
  });
}

void EvidenceStore::Write(const std::string& name, bool exists) {
  const EvidenceText& text = waiting_.front().text;
  json object = RecordObject(owner_, RecordType::Evidence, name);
  json& labels = object["metadata"]["labels"];
  if (text.of_batch) {
    labels[std::string(kBuildLabel)] = text.build;
    labels[std::string(kAttemptLabel)] = std::to_string(text.attempt);
  }
  if (!text.stage.empty()) labels[std::string(kStageLabel)] = text.stage;
  if (const std::string of_build = LabelValue(text.name); !of_build.empty())
    labels[std::string(kNameLabel)] = of_build;
  object["evidence"] = text.evidence;
  object["log"] = text.log;
  kube::Request request;
  request.method = exists ? kube::Method::Patch : kube::Method::Post;
  request.path = RecordsPath(owner_.ns);
  if (exists) {
    request.path += "/" + name;
    request.content_type = "application/merge-patch+json";
  }
  request.body = object.dump(-1, ' ', false, json::error_handler_t::replace);
  Send(Purpose::WriteEvidence, std::move(request), [this, name](const kube::Response& response, Now now) {
    const auto at = std::find(stored_->begin(), stored_->end(), name);
    if (response.status == 404 && at == stored_->end()) return Settle(ErrorMessage(response), now);
    if (response.status == 404) {  // somebody has deleted it
      stored_->erase(at);
    } else if (response.status == 409 && at != stored_->end()) {
      backoff_.Failed(now.steady);
    } else {
      // 409: it is there since a create whose reply was lost; what it holds is written again
      if (at == stored_->end()) stored_->push_back(name);
      if (response.status != 409) Settle("", now);
    }
  });
}

void EvidenceStore::Settle(const std::string& refusal, Now now) {
  const Done done = std::move(waiting_.front().done);
  waiting_.pop_front();
  done(refusal, now);
}

}  // namespace imagebatch::cluster
