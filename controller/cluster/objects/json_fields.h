#pragma once
#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

/// Reading JSON on the way, without a tree of it; for what comes by the thousand.
namespace imagebatch::cluster {

namespace sj = simdjson::ondemand;

inline constexpr size_t kTextLimit = 4096;  // bytes of a text that are kept

inline std::string Text(sj::value value) {
  std::string_view text;
  if (value.get_string().get(text)) return {};
  return std::string(text.substr(0, kTextLimit));
}

inline Time When(sj::value value) {
  std::string_view text;
  if (value.get_string().get(text)) return {};
  return ParseTime(text).value_or(Time{});
}

inline std::optional<int64_t> Integer(sj::value value) {
  int64_t number = 0;
  if (value.get_int64().get(number)) return std::nullopt;
  return number;
}

inline bool IsSet(sj::value value) {
  bool set = false;
  return !value.get_bool().get(set) && set;
}

/// Calls `each(key, value)` for every field; anything but an object has none.
template <class Each>
void Fields(sj::value value, const Each& each) {
  sj::object object;
  if (value.get_object().get(object)) return;
  for (auto field : object) {
    std::string_view key;
    sj::value inner;
    if (field.unescaped_key().get(key)) return;
    if (field.value().get(inner)) return;
    each(key, inner);
  }
}

template <class Each>
void Items(sj::value value, const Each& each) {
  sj::array array;
  if (value.get_array().get(array)) return;
  for (auto item : array) {
    sj::value inner;
    if (item.get(inner)) return;
    each(inner);
  }
}

template <class Read>
bool WithRootBy(sj::parser& parser, std::string_view text, const Read& read) {
  const simdjson::padded_string padded(text);
  sj::document document;
  if (parser.iterate(padded).get(document)) return false;
  sj::value root;
  if (document.get_value().get(root)) return false;
  read(root);
  return document.current_location().error() == simdjson::OUT_OF_BOUNDS;  // the whole text was well-formed
}

/// Calls `read` with the root of `text`, which must not read another text meanwhile. False where that is no
/// well-formed value.
template <class Read>
bool WithRoot(std::string_view text, const Read& read) {
  // A parser keeps as much memory as its largest text needed, about five times its size
  constexpr size_t kLarge = size_t{64} * 1024;
  if (text.size() > kLarge) {
    sj::parser parser;
    return WithRootBy(parser, text, read);
  }
  thread_local sj::parser parser;  // one for each thread, as simdjson advises
  return WithRootBy(parser, text, read);
}

}  // namespace imagebatch::cluster
