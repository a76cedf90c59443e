#include "cli/view/build_name.h"

#include <algorithm>

#include "base/text.h"
#include "batch/problems.h"

namespace imagebatch::cli {

Result<BuildName> ChooseBuild(const std::string& text, const std::vector<BuildName>& known,
                              const std::vector<std::string>& stages) {
  // A name may have a '/' itself, so both readings are tried
  std::vector<const BuildName*> found;
  for (const BuildName& build : known) {
    if (build.name == text || build.Whole() == text) found.push_back(&build);
  }
  if (found.size() == 1) return *found.front();
  std::vector<std::string> names;
  if (!found.empty()) {
    for (const BuildName* build : found) names.push_back(build->Whole());
    return Fail("several builds are called " + Quote(text) + ": " +
                batch::Listed({names.begin(), names.end()}) + "; give the stage too");
  }
  const bool with_stage = std::any_of(
      stages.begin(), stages.end(), [&](const std::string& stage) { return text.starts_with(stage + "/"); });
  for (const BuildName& build : known) names.push_back(with_stage ? build.Whole() : build.name);
  std::string guess = batch::DidYouMean(text, {names.begin(), names.end()});
  if (guess.empty() && !names.empty()) guess = "; builds are called like " + names.front();
  return Fail("the batch has no build " + Quote(text) + Printable(guess, 400));
}

}  // namespace imagebatch::cli
