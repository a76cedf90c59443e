#include "kube/paths.h"

#include "base/percent_encode.h"

namespace imagebatch::kube {

std::string CollectionPath(const ResourceType& type, std::string_view namespace_name) {
  // Only the core group has no name, and a root of its own
  const bool core = type.group_version.find('/') == std::string_view::npos;
  std::string path = core ? "/api/" : "/apis/";
  path.append(type.group_version);
  if (!namespace_name.empty()) path.append("/namespaces/").append(PercentEncode(namespace_name));
  return path.append("/").append(type.plural);
}

std::string ObjectPath(const ResourceType& type, std::string_view namespace_name, std::string_view name,
                       std::string_view subresource) {
  std::string path = CollectionPath(type, namespace_name).append("/").append(PercentEncode(name));
  if (!subresource.empty()) path.append("/").append(subresource);
  return path;
}

}  // namespace imagebatch::kube
