#pragma once
#include <chrono>
#include <cstdint>
#include <string>

/// Whether images exist, by the protocol of the OCI distribution specification.
namespace imagebatch::registry {

/// What is known of an image after its registry was asked.
struct Answer {
  enum class Kind : uint8_t {
    There,
    NotThere,    // the registry says so
    Denied,      // it refuses to say, or may not be asked: somebody must change something
    Throttled,   // it has more to do than it can
    Unreachable  // no answer, or none that a registry gives
  };

  Kind kind = Kind::Unreachable;
  std::string digest;  // of what is There: of its manifest, sha256:<64 hexadecimal digits> or sha512
  std::string reason;  // of the last three: printable, at most 512 bytes, without what a reply said
  std::chrono::seconds retry_after{0};  // of Throttled: from 1 s to 10 min
};

/// Whom it is asked for, and under which number the answer comes back.
struct Question {
  uint64_t id = 0;
  uint64_t sender = 0;  // only compared: senders take turns
  std::string image;    // a valid image reference with a tag
};

}  // namespace imagebatch::registry
