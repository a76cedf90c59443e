#include "kube/paths.h"

namespace imagebatch::kube {

std::string Escape(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool unreserved = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                            c == '-' || c == '.' || c == '_' || c == '~';
    if (unreserved)
      out.push_back(c);
    else
      out.append({'%', kHex[byte >> 4], kHex[byte & 0xF]});
  }
  return out;
}

std::string CollectionPath(const ResourceType& type, std::string_view namespace_name) {
  // Only the core group has no name, and a root of its own
  const bool core = type.group_version.find('/') == std::string_view::npos;
  std::string path = core ? "/api/" : "/apis/";
  path.append(type.group_version);
  if (!namespace_name.empty()) path.append("/namespaces/").append(Escape(namespace_name));
  return path.append("/").append(type.plural);
}

std::string ObjectPath(const ResourceType& type, std::string_view namespace_name, std::string_view name,
                       std::string_view subresource) {
  std::string path = CollectionPath(type, namespace_name).append("/").append(Escape(name));
  if (!subresource.empty()) path.append("/").append(subresource);
  return path;
}

}  // namespace imagebatch::kube
