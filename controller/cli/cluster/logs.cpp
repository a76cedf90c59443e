#include <unistd.h>

#include <atomic>
#include <iostream>

#include "base/text.h"
#include "cli/cluster/build_objects.h"
#include "cli/cluster/command.h"
#include "cli/cluster/follow.h"
#include "cli/console.h"
#include "cli/view/json_access.h"
#include "cli/view/log_text.h"

namespace imagebatch::cli {
namespace {

using nlohmann::json;

constexpr int kOk = 200;

struct Options {
  Where where;
  std::string batch, build;
  int64_t attempt = 0;  // 0: the last
  int64_t tail = -1;    // lines; -1: all
  bool follow = false;
};

/// Until the build's container runs or has run; the Pod as it is then, or nothing where it has gone.
Result<json> AwaitStart(Cluster& cluster, json pod) {
  const std::string ns = TextAt(At(pod, "metadata"), "namespace"), name = TextAt(At(pod, "metadata"), "name");
  std::optional<Follow> follow;
  while (!HasStarted(pod)) {
    if (!follow) {
      std::cerr << "imagebatch: Pod " << name << " has not started its build yet\n";
      follow.emplace(cluster, kube::CollectionPath(kPods, ns), name);
    }
    auto news = follow->Next(SteadyTime::max() - std::chrono::hours(1));
    if (!news) continue;
    if (news->refused) return Fail(news->trouble);
    const std::string phase = TextAt(At(news->object, "status"), "phase");
    if (news->gone || ((phase == "Failed" || phase == "Succeeded") && !HasStarted(news->object)))
      return Fail("Pod " + name + " has ended without starting its build");
    if (!news->trouble.empty())
      std::cerr << "imagebatch: " << news->trouble << "; it is tried again\n";
    else
      pod = std::move(news->object);
  }
  return pod;
}

Result<Exit> Stream(Cluster& cluster, const json& pod, const Options& options) {
  std::string query = options.follow ? "follow=true" : "";
  if (options.tail >= 0)
    query += (query.empty() ? "" : "&") + std::string("tailLines=") + std::to_string(options.tail);
  const kube::Request request = LogRequestOf(pod, query);
  LogFilter filter(MarkerOf(pod), Console(STDOUT_FILENO).terminal());
  kube::Response refusal;
  constexpr size_t kMostRefusal = size_t{64} * 1024;
  const auto on_head = [&](const kube::Response& head) {
    refusal = head;
    return true;
  };
  const auto on_data = [&](std::string_view piece) {
    if (refusal.status != kOk) {
      refusal.body.append(piece.substr(0, kMostRefusal - std::min(kMostRefusal, refusal.body.size())));
    } else {
      std::cout << filter.Feed(piece) << std::flush;
    }
    return static_cast<bool>(std::cout);  // nobody reads it any more
  };
  const std::atomic<bool> stop = false;
  constexpr auto kSilence = std::chrono::hours(24);  // a build may say nothing for long
  const auto idle = options.follow ? std::chrono::milliseconds(kSilence)
                                   : std::chrono::milliseconds(std::chrono::seconds(60));
  const auto streamed = cluster.client().Stream(request, idle, stop, on_head, on_data);
  std::cout << filter.Finish() << std::flush;
  if (!streamed) return Fail(TellNoAnswer(streamed.error().message, cluster.place()));
  if (refusal.status != kOk) return Fail(TellRefusal(request, refusal, cluster.place()));
  return Exit::Done;
}

/// What is kept of the log of an attempt whose Pod has gone.
Result<Exit> ShowKept(const Story& story, const Options& options) {
  const auto show = [&](const std::string& log, const std::string& from) {
    std::cerr << "imagebatch: the Pod has gone; this end of the log was kept with " << from << "\n";
    std::cout << LogText(log, "") << (log.ends_with('\n') ? "" : "\n");
    return Exit::Done;
  };
  for (auto record = story.evidence.rbegin(); record != story.evidence.rend(); ++record) {
    if ((options.attempt == 0 || record->attempt == options.attempt) && !record->log.empty())
      return show(record->log, "the evidence of attempt " + std::to_string(record->attempt));
  }
  for (auto attempt = story.attempts.rbegin(); attempt != story.attempts.rend(); ++attempt) {
    if ((options.attempt == 0 || attempt->number == options.attempt) && !attempt->log_end.empty())
      return show(attempt->log_end, "the result of attempt " + std::to_string(attempt->number));
  }
  const std::string what = options.attempt == 0
                               ? story.build.Whole()
                               : "attempt " + std::to_string(options.attempt) + " of " + story.build.Whole();
  if (story.attempts.empty()) return Fail(Printable(what, 300) + " has no log: nothing of it has begun");
  return Fail(Printable(what, 300) +
              " has no log any more: its Pod has gone, and logs are kept only of builds that hung "
              "or that other containers of their Pod outlived");
}

Result<Exit> Logs(Cluster& cluster, const Options& options) {
  const auto object = cluster.Batch(options.batch);
  if (!object) return tl::unexpected(object.error());
  const auto build = FindBuild(cluster, *object, options.build);
  if (!build) return tl::unexpected(build.error());
  const auto pods = ListOfBuild(cluster, kPods, *object, *build);
  if (!pods) return tl::unexpected(pods.error());
  const json* found = PodOf(*pods, options.attempt);
  if (found == nullptr) {
    const auto story = ReadStory(cluster, *object, *build);
    if (!story) return tl::unexpected(story.error());
    return ShowKept(*story, options);
  }
  if (!options.follow) return Stream(cluster, *found, options);
  const auto started = AwaitStart(cluster, *found);
  if (!started) return tl::unexpected(started.error());
  return Stream(cluster, *started, options);
}

/// Of the attempt that is asked for, or of the last one that hung.
Result<Exit> ShowEvidence(Cluster& cluster, const Options& options) {
  const auto object = cluster.Batch(options.batch);
  if (!object) return tl::unexpected(object.error());
  const auto build = FindBuild(cluster, *object, options.build);
  if (!build) return tl::unexpected(build.error());
  const auto records = ListOfBuild(cluster, kRecords, *object, *build);
  if (!records) return tl::unexpected(records.error());
  const Story story = TellStory(*object, *build, {}, {}, {}, *records);
  for (auto record = story.evidence.rbegin(); record != story.evidence.rend(); ++record) {
    if (options.attempt != 0 && record->attempt != options.attempt) continue;
    std::cout << EvidenceText(*record);
    return Exit::Done;
  }
  const std::string none = Printable(build->Whole(), 300) + " has no evidence: ";
  if (story.hung)
    return Fail(none + "it hangs (" + Printable(story.hung->class_name, 60) +
                "), but nothing is stored of it yet: " + Printable(story.hung->message, 400));
  return Fail(none +
              "no attempt of it was found hung, or only the evidence of later hangs of the batch is kept");
}

void AddAttempt(CLI::App& command, Options& options) {
  command.add_option("--attempt", options.attempt, "number of the attempt (default: the last)")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
}

}  // namespace

void AddLogs(CLI::App& app, Exit& exit) {
  CLI::App* command = app.add_subcommand("logs", "Print the log of a build");
  command->footer(
      R"(Where the Pod has gone, the end of the log that was kept, if the build hung. On a terminal control characters
are left out; a file or a program gets the bytes as they are.

Examples:
  imagebatch logs -n builds hello image/django-10097 -f
  imagebatch logs -n builds hello django-10097 --attempt 1 --tail 100

Exit codes: 0 printed, 1 there is no log or it cannot be read, 2 wrong usage.)");
  const auto options = std::make_shared<Options>();
  AddBatch(*command, options->batch)->required();
  AddBuild(*command, options->build);
  AddWhere(*command, options->where);
  AddAttempt(*command, *options);
  command->add_flag("-f,--follow", options->follow, "go on until the build ends; waits for it to start");
  command->add_option("--tail", options->tail, "only so many lines from the end")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber);
  command->callback([options, &exit] {
    exit = Run(options->where, [&](Cluster& cluster) { return Logs(cluster, *options); });
  });
}

void AddEvidence(CLI::App& app, Exit& exit) {
  CLI::App* command = app.add_subcommand("evidence", "Show what was seen of a build that hung");
  command->footer(
      R"(At most 20 lines: the verdict, who waits for whom, where the threads stand and who holds their locks.

Example:
  imagebatch evidence -n builds hello image/django-10097

Exit codes: 0 shown, 1 there is none or it cannot be read, 2 wrong usage.)");
  const auto options = std::make_shared<Options>();
  AddBatch(*command, options->batch)->required();
  AddBuild(*command, options->build);
  AddWhere(*command, options->where);
  AddAttempt(*command, *options);
  command->callback([options, &exit] {
    exit = Run(options->where, [&](Cluster& cluster) { return ShowEvidence(cluster, *options); });
  });
}

}  // namespace imagebatch::cli
