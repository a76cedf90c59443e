#pragma once
#include <cstddef>

namespace imagebatch {

/// Bytes that this program has allocated so far, given back or not.
size_t AllocatedBytes();

/// Bytes that a call allocates in all: a measure of its work that does not depend on the machine.
template <class F>
size_t Allocates(F call) {
  const size_t before = AllocatedBytes();
  call();
  return AllocatedBytes() - before;
}

}  // namespace imagebatch
