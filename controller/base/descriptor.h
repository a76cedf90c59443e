#pragma once
#include <unistd.h>

#include <utility>

namespace imagebatch {

/// An open file descriptor that closes itself. Open it close-on-exec: no program that is started is to have
/// it by accident.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.Release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      Close();
      number_ = other.Release();
    }
    return *this;
  }
  ~Descriptor() { Close(); }

  int Get() const { return number_; }
  bool Open() const { return number_ >= 0; }
  int Release() { return std::exchange(number_, -1); }
  void Close() {
    if (Open()) close(Release());
  }

 private:
  int number_ = -1;
};

}  // namespace imagebatch
