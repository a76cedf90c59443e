#include "kube/request_stats.h"

#include <string_view>
#include <vector>

namespace imagebatch::kube {
namespace {

std::vector<std::string_view> Segments(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    const size_t end = path.find('/');
    if (end != 0) segments.push_back(path.substr(0, end));
    path.remove_prefix(end == std::string_view::npos ? path.size() : end + 1);
  }
  return segments;
}

bool HasParameter(std::string_view query, std::string_view parameter) {
  while (!query.empty()) {
    const size_t end = query.find('&');
    if (query.substr(0, end) == parameter) return true;
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
  }
  return false;
}

std::string Verb(Method method, bool named, bool watch) {
  switch (method) {
    case Method::Get:
    case Method::Head:
      if (watch) return "watch";
      return named ? "get" : "list";
    case Method::Post:
      return "create";
    case Method::Put:
      return "update";
    case Method::Patch:
      return "patch";
    case Method::Delete:
      return named ? "delete" : "deletecollection";
  }
  return "";
}

}  // namespace

// The path is /api/VERSION/... or /apis/GROUP/VERSION/..., then namespaces/NS (or not), RESOURCE, NAME,
// SUBRESOURCE. A namespace itself is /api/v1/namespaces/NS[/status or /finalize].
RequestKind KindOf(const Request& request) {
  const std::string_view target = request.path;
  const size_t question = target.find('?');
  const std::string_view query = question == std::string_view::npos ? "" : target.substr(question + 1);
  std::vector<std::string_view> segments = Segments(target.substr(0, question));

  size_t at = 0;
  if (segments.size() > 2 && segments[0] == "api") at = 2;
  if (segments.size() > 3 && segments[0] == "apis") at = 3;
  if (at == 0) return {Verb(request.method, /*named=*/true, false), ""};
  const bool in_namespace = segments.size() > at + 2 && segments[at] == "namespaces" &&
                            segments[at + 2] != "status" && segments[at + 2] != "finalize";
  if (in_namespace) at += 2;
  const bool named = segments.size() > at + 1;
  std::string resource(segments[at]);
  if (segments.size() > at + 2) resource.append("/").append(segments[at + 2]);
  return {Verb(request.method, named, HasParameter(query, "watch=true")), std::move(resource)};
}

void RequestStats::Count(const Request& request, int status) {
  std::tuple<RequestKind, std::string> key(KindOf(request), status == 0 ? "<error>" : std::to_string(status));
  const MutexLock lock(mutex_);
  ++counts_[std::move(key)];
}

RequestStats::Counts RequestStats::Snapshot() const {
  const MutexLock lock(mutex_);
  return counts_;
}

}  // namespace imagebatch::kube
