#pragma once
#include <malloc.h>

#include <cstddef>

namespace imagebatch {

/// Bytes that this program holds on its heap now, large pieces included; 0 under a sanitizer, which has its
/// own.
inline size_t HeldBytes() {
  const struct mallinfo2 heap = mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

}  // namespace imagebatch
