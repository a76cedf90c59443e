#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/time.h"

/// Reading of objects from a server: what is missing or of another type is the same as nothing.
namespace imagebatch::cli {

/// A member of an object; null where there is none.
inline const nlohmann::json& At(const nlohmann::json& object, const char* key) {
  static const nlohmann::json none;
  if (!object.is_object()) return none;
  const auto found = object.find(key);
  return found == object.end() ? none : *found;
}

inline std::string TextAt(const nlohmann::json& object, const char* key) {
  const nlohmann::json& value = At(object, key);
  return value.is_string() ? value.get<std::string>() : "";
}

inline int64_t NumberAt(const nlohmann::json& object, const char* key, int64_t absent = 0) {
  const nlohmann::json& value = At(object, key);
  return value.is_number_integer() ? value.get<int64_t>() : absent;
}

inline double SecondsAt(const nlohmann::json& object, const char* key) {
  const nlohmann::json& value = At(object, key);
  return value.is_number() ? value.get<double>() : 0;
}

inline std::optional<Time> TimeAt(const nlohmann::json& object, const char* key) {
  return ParseTime(TextAt(object, key));
}

/// A member that is an array; an empty one where there is none.
inline const nlohmann::json& ListAt(const nlohmann::json& object, const char* key) {
  static const nlohmann::json none = nlohmann::json::array();
  const nlohmann::json& value = At(object, key);
  return value.is_array() ? value : none;
}

}  // namespace imagebatch::cli
