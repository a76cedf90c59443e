#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "batch/problems.h"

namespace imagebatch::batch {

/// Typed access to the fields of one object, noting every problem with its path. A null is an absent field,
/// as the API server sees it.
class Fields {
 public:
  /// `value` may be anything; where it is not an object that is a problem and all fields are absent.
  /// Both references must outlive this.
  Fields(const nlohmann::json& value, std::string path, Problems& problems);

  /// The value of a field; nullptr where it is absent.
  const nlohmann::json* Find(std::string_view name);
  /// As Find, but its absence is a problem.
  const nlohmann::json* Require(std::string_view name);

  std::string String(std::string_view name, std::string_view absent, size_t max_bytes);
  /// As String; its absence, or an empty one, is a problem and gives an empty string.
  std::string RequiredString(std::string_view name, size_t max_bytes);
  bool Bool(std::string_view name, bool absent);
  int64_t Integer(std::string_view name, int64_t absent, int64_t min, int64_t max);
  /// The elements of an array of at most `max` elements; none where it is absent or wrong.
  std::vector<nlohmann::json> Array(std::string_view name, size_t max);

  /// Every field that was not asked for is a problem. Call last.
  void RefuseOthers();

  std::string PathOf(std::string_view name) const { return path_ + "." + std::string(name); }
  void Add(std::string_view name, std::string message) { problems_.Add(PathOf(name), std::move(message)); }

 private:
  const nlohmann::json* object_ = nullptr;
  std::string path_;
  Problems& problems_;
  std::vector<std::string_view> known_;
};

}  // namespace imagebatch::batch
