#pragma once
#include <optional>
#include <string_view>

/// What the API server says where a ResourceQuota stands in the way (plugin/pkg/admission/resourcequota).
namespace imagebatch::cluster {

/// A quantity of Kubernetes (500m, 1.5Gi, 2e3) as a number; nothing for what is none.
std::optional<double> ReadQuantity(std::string_view text);

/// True for a refusal by a quota that has room for it once others are done: "exceeded quota: q, requested:
/// pods=1, used: pods=9, limited: pods=9". Not where more is requested than is ever allowed, nor for "failed
/// quota: q: must specify limits.cpu": those are to be mended.
bool IsHeldByQuota(std::string_view message);

}  // namespace imagebatch::cluster
