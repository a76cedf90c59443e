#pragma once
#include <cstdint>
#include <string>

#include "base/time.h"
#include "cluster/objects/alike.h"

namespace imagebatch::cluster {

/// A verdict on an attempt.
struct Verdict {
  enum class Kind : uint8_t {
    Hang,   // its build runs and makes no progress
    Stall,  // the cluster has not started its Pod, or has not removed it
  };
  static constexpr size_t kKinds = 2;

  Kind kind = Kind::Hang;
  std::string class_name;  // one of kHangClasses or of kStallClasses, by its kind
  std::string reason;   // one CamelCase word: what within the class, such as NoActivity or ImagePullBackOff
  std::string message;  // for people; printable, at most 512 bytes
  Time since{};         // when the verdict was reached
  Alike alike{};        // of a hang
};

}  // namespace imagebatch::cluster
