#pragma once
#include <string>
#include <string_view>

namespace imagebatch::registry {

/// Where an image is, or is to be.
struct ImagePlace {
  std::string registry;    // host[:port] as in its name, in lower case; docker.io where the name has none
  std::string repository;  // with library/ where Docker Hub's rule adds it
  std::string tag;

  /// Whom to ask: Docker Hub's registry answers under another name.
  std::string Server() const;
};

/// `image`: a valid image reference with a tag (batch/image_reference.h).
ImagePlace PlaceOf(std::string_view image);

}  // namespace imagebatch::registry
