#pragma once
#include <string>
#include <string_view>

namespace imagebatch::batch {

/// What keeps `reference` from being the name of an image to push; empty where nothing does. The grammar is
/// that of github.com/distribution/reference: domain[:port]/path:tag, at most 255 characters before the tag
/// and 128 in it. The tag is required, since a build must not depend on a default; a digest is refused, since
/// it is the outcome of a push and cannot be asked for.
std::string ImageReferenceProblem(std::string_view reference);

}  // namespace imagebatch::batch
