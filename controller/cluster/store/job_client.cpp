#include "cluster/store/job_client.h"

#include <utility>

#include "cluster/objects/log_lines.h"
#include "cluster/objects/names.h"
#include "cluster/objects/parse.h"
#include "cluster/objects/reply.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;

std::optional<JobView> JobIn(const Result<kube::Response>& response) {
  auto job = Ok(response) ? ParseJob(response->body) : Result<JobView>(Fail("no Job"));
  return job ? std::optional(std::move(*job)) : std::nullopt;
}

JobClient::Answer Created(const Result<kube::Response>& response) {
  if (Ok(response)) return JobClient::Answer::Done;
  // A quota for which creates race answers 409 too, with the reason Conflict (kubernetes#67761)
  if (HasStatus(response, 409) && ErrorReason(response) == "AlreadyExists") return JobClient::Answer::Exists;
  // The object itself is invalid. A webhook that refuses without a code answers 400, and one that refuses
  // today may not tomorrow; so may a quota or a policy (403)
  if (HasStatus(response, 422)) return JobClient::Answer::Refused;
  return JobClient::Answer::NotNow;
}

}  // namespace

void JobClient::Create(const plan::Start& start, OnReply handler) {
  const std::string name = builds_.JobName(start.build, start.attempt);
  std::string job = builds_.Job(start, kit_.runner, kit_.markers.Next(name));
  channel_.Create({Purpose::CreateJob, name}, JobsPath(batch_.ns), std::move(job),
                  [handler = std::move(handler)](const Result<kube::Response>& response, Now now) {
                    handler({Created(response), JobIn(response), ErrorMessage(response)}, now);
                  });
}

void JobClient::Read(const std::string& job, OnReply handler) {
  channel_.Get({Purpose::ReadJob, job}, JobsPath(batch_.ns) + "/" + job,
               [handler = std::move(handler)](const Result<kube::Response>& response, Now now) {
                 Reply reply{Answer::NotNow, JobIn(response), ErrorMessage(response)};
                 if (reply.job) reply.answer = Answer::Done;
                 if (HasStatus(response, 404)) reply.answer = Answer::Absent;
                 handler(reply, now);
               });
}

// In the foreground, so that the Job stands for its Pod until that is gone.
void JobClient::Delete(const std::string& job, const std::string& uid, OnReply handler) {
  const json options = {{"propagationPolicy", "Foreground"}, {"preconditions", {{"uid", uid}}}};
  channel_.Delete({Purpose::DeleteJob, job}, JobsPath(batch_.ns) + "/" + job, options,
                  [handler = std::move(handler)](const Result<kube::Response>& response, Now now) {
                    Reply reply{Answer::NotNow, std::nullopt, ErrorMessage(response)};
                    if (Ok(response)) reply.answer = Answer::Done;
                    if (HasStatus(response, 404)) reply.answer = Answer::Absent;
                    if (HasStatus(response, 409)) reply.answer = Answer::Exists;  // of another UID
                    handler(reply, now);
                  });
}

void JobClient::ReadPods(const std::string& job, OnPods handler) {
  channel_.Get({Purpose::ReadPod, job},
               PodsPath(batch_.ns) + "?labelSelector=batch.kubernetes.io%2Fjob-name%3D" + job,
               [handler = std::move(handler)](const Result<kube::Response>& response, Now now) {
                 auto pods = Ok(response) ? ParsePodList(response->body)
                                          : Result<std::vector<PodView>>(Fail("no list"));
                 handler(pods ? std::optional(std::move(*pods)) : std::nullopt, now);
               });
}

void JobClient::ReadLogEnd(const PodView& pod, OnReply handler, LogEnd end) {
  constexpr size_t kKept = 1024;
  kube::Request request = end.Next(pod);
  channel_.Send({Purpose::ReadLog, pod.name}, std::move(request),
                [this, handler = std::move(handler), pod, end](const Result<kube::Response>& response,
                                                               Now now) mutable {
                  if (!Ok(response)) {
                    return handler({HasStatus(response, 404) ? Answer::Absent : Answer::NotNow, std::nullopt,
                                    ErrorMessage(response)},
                                   now);
                  }
                  if (!end.OnReply(response->body)) return ReadLogEnd(pod, std::move(handler), end);
                  handler({Answer::Done, std::nullopt, KeptLog(response->body, pod.marker, kKept)}, now);
                });
}

}  // namespace imagebatch::cluster
