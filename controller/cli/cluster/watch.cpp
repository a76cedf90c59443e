#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <set>

#include "base/text.h"
#include "cli/cluster/command.h"
#include "cli/cluster/follow.h"
#include "cli/console.h"
#include "cli/view/status_text.h"
#include "cli/view/table.h"
#include "cli/view/waiting.h"

namespace imagebatch::cli {
namespace {

struct Options {
  Where where;
  std::string batch;
};

/// A part of the terminal that is drawn anew, line by line from where it began.
class Picture {
 public:
  /// `columns`: longer lines are cut, or the picture would begin further up than is known.
  void Draw(const std::string& text, size_t columns) {
    std::string out = drawn_ == 0 ? "" : "\x1b[" + std::to_string(drawn_) + "A";
    out += "\r\x1b[J";
    drawn_ = 0;
    const size_t most = Rows() - 1;
    for (size_t begin = 0, end = 0; begin < text.size() && drawn_ < most; begin = end + 1) {
      end = std::min(text.find('\n', begin), text.size());
      const std::string line = text.substr(begin, end - begin);
      // Lines with colours are short, and would be cut within them
      out += (line.find('\x1b') == std::string::npos ? Fit(line, columns) : line) + "\n";
      ++drawn_;
    }
    std::cout << out << std::flush;
  }

 private:
  static size_t Rows() {
    constexpr size_t kUsual = 24;
    winsize size{};
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 1 ? size.ws_row : kUsual;
  }

  size_t drawn_ = 0;  // lines
};

/// What a log of the batch's progress gets: a line where the counts change, one for each build that begins to
/// hang or fails.
class Journal {
 public:
  std::string Take(const BatchStatus& batch, Time now) {
    std::string out;
    const std::string at = FormatTime(now) + " ";
    for (const auto& [list, what] :
         {std::pair(&batch.hung_builds, "hangs"), std::pair(&batch.failed_builds, "failed")}) {
      for (const ListedBuild& build : *list) {
        const std::string name = build.stage + "/" + build.name;
        if (!told_.insert(std::string(what) + " " + name + " " + std::to_string(build.attempt)).second)
          continue;
        const std::string& why = build.class_name.empty() ? build.reason : build.class_name;
        out += at + Printable(name + " " + what + ": " + why + ": " + build.message, 600) + "\n";
      }
    }
    // Without the estimate, which changes all the time
    const std::string counts = StatusLine(batch, Time{}).substr(0, StatusLine(batch, Time{}).find(';'));
    if (counts != counts_) out += at + StatusLine(batch, now) + "\n";
    counts_ = counts;
    return out;
  }

 private:
  std::set<std::string> told_;
  std::string counts_;
};

Result<Exit> Watch(Cluster& cluster, const std::string& name) {
  const SystemClock clock;
  const Console console(STDOUT_FILENO);
  const auto object = cluster.Batch(name);
  if (!object) return tl::unexpected(object.error());
  BatchStatus batch = ReadBatchStatus(*object);
  Follow follow(cluster, kube::CollectionPath(kBatches, batch.ns), batch.name);
  Picture picture;
  Journal journal;
  std::string trouble;
  while (true) {
    if (console.terminal()) {
      const Look look = LookOf(console);
      picture.Draw(StatusDetail(batch, look, clock.Now()) + (trouble.empty() ? "" : trouble + "\n"),
                   static_cast<size_t>(console.columns()));
    } else {
      std::cout << journal.Take(batch, clock.Now()) << std::flush;
    }
    if (!std::cout) return Exit::Failed;  // nobody reads it any more
    if (const Waiting outcome = Judge(batch, clock.Now());
        outcome == Waiting::Succeeded || outcome == Waiting::Failed) {
      std::cerr << EndText(batch, outcome) << "\n";
      return outcome == Waiting::Succeeded ? Exit::Done : Exit::Failed;
    }
    constexpr auto kTick = std::chrono::seconds(1);  // times go on
    auto news =
        follow.Next(console.terminal() ? clock.Steady() + kTick : SteadyTime::max() - std::chrono::hours(1));
    if (!news) continue;
    if (news->gone) return Fail("ImageBatch " + name + " has been deleted");
    if (news->refused) return Fail(news->trouble);
    trouble = Printable(news->trouble, 300);
    if (trouble.empty())
      batch = ReadBatchStatus(news->object);
    else if (!console.terminal())
      std::cerr << "imagebatch: " << trouble << "; it is tried again\n";
  }
}

}  // namespace

void AddWatch(CLI::App& app, Exit& exit) {
  CLI::App* command = app.add_subcommand("watch", "Follow a batch until it is over");
  command->footer(
      R"(On a terminal the picture of `imagebatch status BATCH`, drawn anew as it changes; else a line for each change
of the counts and for each build that hangs or fails. Ctrl-C ends it; the batch goes on.

Example:
  imagebatch watch -n builds hello

Exit codes: 0 every build succeeded, 1 the batch failed, was deleted or cannot be read, 2 wrong usage.)");
  const auto options = std::make_shared<Options>();
  AddBatch(*command, options->batch)->required();
  AddWhere(*command, options->where);
  command->callback([options, &exit] {
    exit = Run(options->where, [&](Cluster& cluster) { return Watch(cluster, options->batch); });
  });
}

}  // namespace imagebatch::cli
