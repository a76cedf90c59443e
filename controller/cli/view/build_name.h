#pragma once
#include <string>
#include <vector>

#include "base/result.h"

namespace imagebatch::cli {

/// One build of a batch, as people name it.
struct BuildName {
  std::string stage, name;

  std::string Whole() const { return stage + "/" + name; }
  bool operator==(const BuildName&) const = default;
};

/// The build that `text` means among `known`: `stage/name`, or the name alone where one stage has it. An
/// error lists the candidates, or names a build that is called alike. `stages` are the batch's.
Result<BuildName> ChooseBuild(const std::string& text, const std::vector<BuildName>& known,
                              const std::vector<std::string>& stages);

}  // namespace imagebatch::cli
