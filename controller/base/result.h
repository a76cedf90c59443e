#pragma once
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace imagebatch {

/// A recoverable error: one message for a person, with the place and the way out.
struct Error {
  std::string message;
};

/// A value, or the error that stands in its way. The name is ours so that std::expected can replace the
/// library.
template <class T>
using Result = tl::expected<T, Error>;

/// `return Fail("rows[3]: name is empty");`
inline tl::unexpected<Error> Fail(std::string message) {
  return tl::unexpected<Error>(Error{std::move(message)});
}

}  // namespace imagebatch
