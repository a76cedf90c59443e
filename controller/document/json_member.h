#pragma once
#include <nlohmann/json.hpp>
#include <string>

namespace imagebatch::document {

/// A member of an object that is text; empty where there is none of that name, or it is something else.
template <class Json>
std::string StringMember(const Json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_string() ? at->template get<std::string>() : std::string();
}

}  // namespace imagebatch::document
