#include "kube/list_watch.h"

#include <algorithm>

#include "base/percent_encode.h"
#include "kube/flow_control.h"

namespace imagebatch::kube {
namespace {

// A watch that was open for so long has worked, even if nothing happened meanwhile. One that ends sooner and
// brought nothing counts as a failure, or a server that ends each at once would be asked in a tight loop.
constexpr auto kLongEnough = std::chrono::seconds(5);
// How long a watch may last, as the server is asked; spread, so that the watches of all controllers which
// began with one restart of the server do not end together.
constexpr int kShortestWatch = 240, kLongestWatch = 300;  // s

}  // namespace

const char* Label(RestartReason reason) {
  switch (reason) {
    case RestartReason::Gone:
      return "410";
    case RestartReason::Ended:
      return "eof";
    case RestartReason::Idle:
      return "idle";
    case RestartReason::Failed:
      return "error";
    case RestartReason::Broken:
      return "broken";
  }
  return "";
}

ListWatch::ListWatch(int page, BackoffRange backoff, uint64_t seed)
    : full_page_(page), page_(page), backoff_(backoff), random_(seed) {}

ListWatch::Step ListWatch::Next() {
  Step step;
  step.kind = next_;
  step.not_before = not_before_;
  step.first_page = continue_token_.empty();
  if (next_ == Step::Kind::List) {
    step.query = "limit=" + std::to_string(page_);
    if (!continue_token_.empty()) step.query.append("&continue=").append(PercentEncode(continue_token_));
  } else {
    const int seconds = std::uniform_int_distribution(kShortestWatch, kLongestWatch)(random_);
    step.query = "watch=true&allowWatchBookmarks=true&timeoutSeconds=" + std::to_string(seconds) +
                 "&resourceVersion=" + PercentEncode(resource_version_);
  }
  return step;
}

bool ListWatch::OnPage(std::string resource_version, std::string continue_token) {
  not_before_ = SteadyTime::min();
  continue_token_ = std::move(continue_token);
  // Not a success yet: a list that always works may alternate with a watch that never does
  if (!continue_token_.empty()) return false;
  resource_version_ = std::move(resource_version);
  next_ = Step::Kind::Watch;
  page_ = std::min(page_ * 2, full_page_);
  return true;
}

void ListWatch::OnPageTooLarge() { page_ = std::min(page_, std::max(page_ / 2, kSmallestPage)); }

void ListWatch::OnOpen(SteadyTime now) {
  opened_ = now;
  progressed_ = false;
}

void ListWatch::OnProgress(const std::string& resource_version) {
  failures_ = 0;
  progressed_ = true;
  if (!resource_version.empty()) resource_version_ = resource_version;
}

void ListWatch::OnEnd(RestartReason reason, SteadyTime now, std::optional<std::chrono::seconds> retry_after) {
  const bool lasted = opened_ && now - *opened_ >= kLongEnough;
  const bool worked = lasted || (opened_ && progressed_);
  opened_.reset();
  if (lasted) failures_ = 0;
  if (reason == RestartReason::Gone || reason == RestartReason::Broken) {
    next_ = Step::Kind::List;
    continue_token_.clear();
  }
  not_before_ = now;
  // A stream that lasted, or was silent for long, has worked; and the first 410 is cured by the list
  const bool forgiven = reason == RestartReason::Idle || (reason == RestartReason::Ended && worked);
  const bool first_gone = reason == RestartReason::Gone && failures_ == 0;
  if (!forgiven) ++failures_;
  if (!forgiven && !first_gone) not_before_ += FullJitter(backoff_, failures_, random_);
  if (retry_after)
    not_before_ =
        std::max(not_before_, now + std::clamp(*retry_after, std::chrono::seconds(0), kLongestPause));
}

}  // namespace imagebatch::kube
