#pragma once

namespace imagebatch {

/// For std::visit: one function for each alternative, and none forgotten.
template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

}  // namespace imagebatch
