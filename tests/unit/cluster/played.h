#pragma once
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "unit/cluster/controlled.h"

namespace imagebatch::cluster {

/// A batch of which the test ends the attempts, one by one.
class PlayedTest : public BatchControlTest {
 protected:
  using Attempts = std::set<std::string>;  // "a-2": the second of row a

  /// Of rows a, b and c, all at once.
  static json Three() {
    json object = Object();
    object["spec"]["parallelism"] = 3;
    object["spec"]["images"]["rows"].push_back({{"name", "c"}});
    return object;
  }

  std::string JobOf(const std::string& row, int attempt) const {
    for (const auto& [name, job] : api_.All(Kind::Job)) {
      if (job["metadata"]["annotations"]["imagebatch.dev/name"] == row &&
          job["metadata"]["labels"]["imagebatch.dev/attempt"] == std::to_string(attempt))
        return name;
    }
    return {};
  }
  /// Those that have a Job.
  Attempts All() const {
    Attempts all;
    for (const auto& [name, job] : api_.All(Kind::Job))
      all.insert(job["metadata"]["annotations"]["imagebatch.dev/name"].get<std::string>() + "-" +
                 job["metadata"]["labels"]["imagebatch.dev/attempt"].get<std::string>());
    return all;
  }

  void End(const std::string& row, int attempt, const char* condition) {
    ASSERT_NE(JobOf(row, attempt), "") << row << " " << attempt;
    json job = *api_.Find(Kind::Job, JobOf(row, attempt));
    job["status"]["conditions"] = {{{"type", condition},
                                    {"status", "True"},
                                    {"reason", "BackoffLimitExceeded"},
                                    {"message", "m"},
                                    {"lastTransitionTime", FormatTime(now_.wall)}}};
    api_.Put(Kind::Job, std::move(job));
    // As of a build that ended by itself
    json pod = (*api_.Find(Kind::Job, JobOf(row, attempt)))["spec"]["template"];
    pod["metadata"]["name"] = row + "-" + std::to_string(attempt);
    pod["metadata"]["namespace"] = "builds";
    pod["metadata"]["ownerReferences"] = {
        {{"kind", "Job"},
         {"name", JobOf(row, attempt)},
         {"uid", (*api_.Find(Kind::Job, JobOf(row, attempt)))["metadata"]["uid"]},
         {"controller", true}}};
    const int code = condition == std::string("Failed") ? 1 : 0;
    const std::string at = FormatTime(now_.wall);
    pod["status"] = {
        {"phase", code == 0 ? "Succeeded" : "Failed"},
        {"containerStatuses",
         {{{"name", "build"},
           {"state",
            {{"terminated",
              {{"exitCode", code}, {"reason", "Error"}, {"startedAt", at}, {"finishedAt", at}}}}}}}}};
    Show(pod);
    Run(seconds(30));  // so that the next attempt is due, and the status written
  }

  /// All at once, with `failed` of them.
  void Finish(const Attempts& failed) {
    Create(Three());
    for (const char* row : {"a", "b", "c"}) End(row, 1, failed.contains(row) ? "Failed" : "Complete");
    ASSERT_TRUE(Status().contains("completionTime"));
    ASSERT_EQ(Condition("Failed").substr(0, 5), failed.empty() ? "False" : "True:");
  }
};

}  // namespace imagebatch::cluster
