#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace imagebatch::cli {

/// A line of a list of images.
struct ListedImage {
  std::string reference;  // that is pushed
  std::string context;    // of the build: a URL; empty: that of the batch
};

/// Reads "REFERENCE [CONTEXT]" from each line of `text`; empty lines and those that begin with # are left
/// out. Fails with one line for each problem, "FILE:LINE: ...": of a reference that cannot be pushed or comes
/// twice, of what is no URL, of more images than a batch file holds, and of a list where only some images
/// have a context. `context` is the batch's; where it is empty, all must have their own.
tl::expected<std::vector<ListedImage>, std::vector<std::string>> ReadImageList(const std::string& file,
                                                                               std::string_view text,
                                                                               std::string_view context);

/// What is wrong with a URL of a context; empty where nothing is.
std::string ContextProblem(std::string_view context);

struct NewBatch {
  std::string name;
  std::string builder;  // one of Builders()
  std::string context;  // of all images; $(name) in it is the image's name. Empty: each has its own
  std::vector<ListedImage> images;  // not empty
};

/// "buildkit-rootless", ...: of each there is a sample with the same Pod in manifests/samples.
std::vector<std::string> Builders();

/// A batch file with comments, as a person would write it.
std::string NewBatchFile(const NewBatch& batch);

}  // namespace imagebatch::cli
