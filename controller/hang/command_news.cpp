#include "hang/command_news.h"

#include <algorithm>
#include <functional>
#include <string>

namespace imagebatch::hang {

CommandNews::Answer CommandNews::Add(const Started& started, bool again, TimePoint now) {
  std::string text(started.command);
  text += " in ";
  text += started.directory;
  Answer answer;
  answer.known_exactly = !exact_.Insert(std::hash<std::string>()(text));
  const uint64_t words = ShapeOf(text).words;
  if (AddOne(commands_, words, again, now)) {
    // What is in doubt is none: a list of names shows itself at once.
    answer.is_new = templates_.Add(text) == LineTemplates::Answer::New;
    if (!answer.is_new) once_.pop_back();
  }
  for (const uint64_t file : started.files) {
    if (AddOne(files_, file, again, now)) answer.is_new = true;
  }
  if (again) return answer;
  last_known_ = static_cast<uint8_t>(last_known_ << 1 | (answer.is_new ? 0 : 1));
  last_exact_ = static_cast<uint8_t>(last_exact_ << 1 | (!answer.is_new && answer.known_exactly ? 1 : 0));
  return answer;
}

bool CommandNews::AddOne(SeenLines& to, uint64_t hash, bool again, TimePoint now) {
  if (to.Insert(hash)) {
    if (once_.size() == kOnce) once_.erase(once_.begin());
    once_.push_back({hash, now, (last_known_ & kLastOnes) == kLastOnes});
    return true;
  }
  if (!again) std::erase_if(once_, [hash](const Once& once) { return once.hash == hash; });
  return false;
}

std::optional<TimePoint> CommandNews::Newest() const {
  const auto is_alone = [](const Once& once) { return once.alone; };
  const bool few = std::count_if(once_.begin(), once_.end(), is_alone) < kFewAlone;
  const auto newest =
      std::find_if(once_.rbegin(), once_.rend(), [&](const Once& once) { return !few || !once.alone; });
  if (newest == once_.rend()) return std::nullopt;
  return newest->at;
}

}  // namespace imagebatch::hang
