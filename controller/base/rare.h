#pragma once
#include <memory>
#include <optional>
#include <utility>

namespace imagebatch {

/// A std::optional for what is large and mostly absent, in things of which there are thousands: it takes the
/// room of a pointer, and memory of its own while there is a value. Copies copy the value.
template <class T>
class Rare {
 public:
  Rare() = default;
  Rare(std::nullopt_t) {}                             // NOLINT(google-explicit-constructor)
  Rare(T value) : value_(new T(std::move(value))) {}  // NOLINT(google-explicit-constructor)
  Rare(const std::optional<T>& value) {               // NOLINT(google-explicit-constructor)
    if (value) value_.reset(new T(*value));
  }
  Rare(const Rare& other) : value_(other.value_ ? new T(*other.value_) : nullptr) {}
  Rare(Rare&&) noexcept = default;
  Rare& operator=(Rare other) noexcept {
    value_ = std::move(other.value_);
    return *this;
  }
  ~Rare() = default;

  explicit operator bool() const { return value_ != nullptr; }
  bool has_value() const { return value_ != nullptr; }
  operator std::optional<T>() const {  // NOLINT(google-explicit-constructor)
    return value_ ? std::optional<T>(*value_) : std::nullopt;
  }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return value_.get(); }
  const T* operator->() const { return value_.get(); }
  void reset() { value_.reset(); }
  template <class... Args>
  T& emplace(Args&&... args) {
    value_.reset(new T(std::forward<Args>(args)...));
    return *value_;
  }

 private:
  std::unique_ptr<T> value_;
};

}  // namespace imagebatch
