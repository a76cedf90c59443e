#pragma once
#include <optional>
#include <type_traits>

namespace imagebatch {

/// Makes `next` the sooner of two moments, where nothing is never.
template <class Moment>
void KeepSooner(std::optional<Moment>& next, const std::type_identity_t<std::optional<Moment>>& other) {
  if (other && (!next || *other < *next)) next = other;
}

}  // namespace imagebatch
