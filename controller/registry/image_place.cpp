#include "registry/image_place.h"

#include <algorithm>

#include "registry/url.h"

namespace imagebatch::registry {
namespace {

constexpr std::string_view kDockerHub = "docker.io";

/// The rule of splitDockerDomain of github.com/distribution/reference.
bool LooksLikeDomain(std::string_view first) {
  return first == "localhost" || first.find_first_of(".:[") != std::string_view::npos ||
         std::any_of(first.begin(), first.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

}  // namespace

std::string ImagePlace::Server() const { return registry == kDockerHub ? "registry-1.docker.io" : registry; }

ImagePlace PlaceOf(std::string_view image) {
  ImagePlace place;
  const size_t colon = image.rfind(':');
  place.tag = image.substr(colon + 1);
  std::string_view name = image.substr(0, colon);
  const size_t slash = name.find('/');
  place.registry = kDockerHub;
  if (slash != std::string_view::npos && LooksLikeDomain(name.substr(0, slash))) {
    place.registry = LowerCase(name.substr(0, slash));
    name.remove_prefix(slash + 1);
  }
  if (place.registry == "index.docker.io") place.registry = kDockerHub;
  const bool official = place.registry == kDockerHub && name.find('/') == std::string_view::npos;
  place.repository = (official ? "library/" : "") + std::string(name);
  return place;
}

}  // namespace imagebatch::registry
