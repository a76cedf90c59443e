#pragma once
#include <unistd.h>

#include <utility>

namespace imagebatch::local {

/// A file descriptor that is closed with this object.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }

  bool Open() const { return number_ >= 0; }
  int Get() const { return number_; }

 private:
  int number_ = -1;
};

}  // namespace imagebatch::local
