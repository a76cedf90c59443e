#pragma once
#include <string>
#include <string_view>

namespace imagebatch::kube {

/// One kind of object as its URLs name it.
struct ResourceType {
  std::string_view group_version;  // "v1", "batch/v1"
  std::string_view plural;         // "pods", "jobs"
};

/// /apis/batch/v1/namespaces/x/jobs; an empty namespace: the objects of all namespaces, or a type without
/// namespaces.
std::string CollectionPath(const ResourceType& type, std::string_view namespace_name);

/// /api/v1/namespaces/x/pods/y[/log]
std::string ObjectPath(const ResourceType& type, std::string_view namespace_name, std::string_view name,
                       std::string_view subresource = {});

}  // namespace imagebatch::kube
