#include <algorithm>
#include <iostream>

#include "cli/cluster/command.h"
#include "cli/cluster/follow.h"
#include "cli/view/spans.h"
#include "cli/view/status_text.h"
#include "cli/view/waiting.h"

namespace imagebatch::cli {
namespace {

struct Options {
  Where where;
  std::string batch, timeout;
};

Exit ExitOf(Waiting outcome) {
  switch (outcome) {
    case Waiting::Succeeded:
      return Exit::Done;
    case Waiting::Hung:
      return Exit::Hung;
    default:
      return Exit::Failed;
  }
}

Result<Exit> Wait(Cluster& cluster, const std::string& name, const std::optional<Duration>& timeout) {
  const SystemClock clock;
  const SteadyTime until = timeout ? clock.Steady() + *timeout
                                   : SteadyTime::max() - std::chrono::hours(1);  // a little room to add to
  auto object = cluster.Batch(name);
  if (!object) return tl::unexpected(object.error());
  BatchStatus batch = ReadBatchStatus(*object);
  std::optional<Follow> follow;
  while (true) {
    const Waiting outcome = Judge(batch, clock.Now());
    if (outcome != Waiting::GoesOn) {
      (outcome == Waiting::Succeeded ? std::cout : std::cerr) << EndText(batch, outcome) << "\n";
      return ExitOf(outcome);
    }
    if (!follow) follow.emplace(cluster, kube::CollectionPath(kBatches, batch.ns), batch.name);
    constexpr auto kLookAgain = std::chrono::seconds(30);  // a standstill is no news
    auto news = follow->Next(std::min(until, clock.Steady() + kLookAgain));
    if (!news && clock.Steady() < until) continue;
    if (!news) {
      std::cerr << "time is up: " << StatusLine(batch, clock.Now()) << "\n";
      return Exit::TimeIsUp;
    }
    if (news->gone) return Fail("ImageBatch " + name + " has been deleted");
    if (news->refused) return Fail(news->trouble);
    if (!news->trouble.empty())
      std::cerr << "imagebatch: " << news->trouble << "; it is tried again\n";
    else
      batch = ReadBatchStatus(news->object);
  }
}

}  // namespace

void AddWait(CLI::App& app, Exit& exit) {
  CLI::App* command = app.add_subcommand("wait", "Wait until a batch is over, for scripts and CI");
  command->footer(
      R"(It counts as hung when only builds that hang are left, and builds that need them: nothing will
happen until somebody does something. Hung builds that hang.action ends are waited for.

Example:
  imagebatch wait -n builds hello --timeout 2h

Exit codes: 0 every build succeeded, 1 the batch failed, was deleted or cannot be read, 2 wrong usage, 3 it
hangs, 4 the time is up.)");
  const auto options = std::make_shared<Options>();
  AddBatch(*command, options->batch)->required();
  AddWhere(*command, options->where);
  command
      ->add_option("--timeout", options->timeout,
                   "how long at most: 90s, 2h, 1h30m; 0 looks once (default: for ever)")
      ->type_name("TIME")
      ->check([](const std::string& text) {
        return ParseSpan(text) ? "" : "is no length of time such as 90s, 30m or 1h30m";
      });
  command->callback([options, &exit] {
    exit = Run(options->where,
               [&](Cluster& cluster) { return Wait(cluster, options->batch, ParseSpan(options->timeout)); });
  });
}

}  // namespace imagebatch::cli
