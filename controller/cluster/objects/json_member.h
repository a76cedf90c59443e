#pragma once
#include <nlohmann/json.hpp>
#include <string>

namespace imagebatch::cluster {

/// A member that is text; empty where there is none of that name, or it is something else.
inline std::string StringMember(const nlohmann::json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

}  // namespace imagebatch::cluster
