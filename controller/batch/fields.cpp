#include "batch/fields.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/text.h"

namespace imagebatch::batch {

using nlohmann::json;

Fields::Fields(const json& value, std::string path, Problems& problems)
    : path_(std::move(path)), problems_(problems) {
  if (value.is_object()) {
    object_ = &value;
  } else {
    problems_.Add(path_, "must be an object");
  }
}

const json* Fields::Find(std::string_view name) {
  known_.push_back(name);
  if (object_ == nullptr) return nullptr;
  const auto found = object_->find(name);
  return found == object_->end() || found->is_null() ? nullptr : &*found;
}

const json* Fields::Require(std::string_view name) {
  const json* value = Find(name);
  if (value == nullptr && object_ != nullptr) Add(name, "is required");
  return value;
}

std::string Fields::String(std::string_view name, std::string_view absent, size_t max_bytes) {
  const json* value = Find(name);
  if (value == nullptr) return std::string(absent);
  if (!value->is_string()) {
    Add(name, std::string("must be a string") + (value->is_structured() ? "" : "; put it in quotes"));
    return std::string(absent);
  }
  const auto& text = value->get_ref<const std::string&>();
  if (text.size() > max_bytes) {
    Add(name, "is " + std::to_string(text.size()) + " bytes, at most " + std::to_string(max_bytes));
  }
  return text;
}

std::string Fields::RequiredString(std::string_view name, size_t max_bytes) {
  const json* value = Require(name);
  std::string text = String(name, "", max_bytes);
  if (value != nullptr && value->is_string() && text.empty()) Add(name, "must not be empty");
  return text;
}

bool Fields::Bool(std::string_view name, bool absent) {
  const json* value = Find(name);
  if (value == nullptr) return absent;
  if (value->is_boolean()) return value->get<bool>();
  Add(name, "must be true or false");
  return absent;
}

int64_t Fields::Integer(std::string_view name, int64_t absent, int64_t min, int64_t max) {
  const json* value = Find(name);
  if (value == nullptr) return absent;
  if (!value->is_number_integer()) {
    Add(name, "must be a whole number");
    return absent;
  }
  const bool above_all =
      value->is_number_unsigned() && value->get<uint64_t>() > std::numeric_limits<int64_t>::max();
  const int64_t number = above_all ? max : value->get<int64_t>();
  if (!above_all && number >= min && number <= max) return number;
  Add(name, "is " + value->dump() + ", must be from " + std::to_string(min) + " to " + std::to_string(max));
  return absent;
}

std::vector<json> Fields::Array(std::string_view name, size_t max) {
  const json* value = Find(name);
  if (value == nullptr) return {};
  if (!value->is_array()) {
    Add(name, "must be an array");
    return {};
  }
  if (value->size() > max) {
    Add(name, "has " + std::to_string(value->size()) + " elements, at most " + std::to_string(max));
    return {};
  }
  return value->get_ref<const json::array_t&>();
}

void Fields::RefuseOthers() {
  if (object_ == nullptr) return;
  for (const auto& [name, value] : object_->items()) {
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    problems_.Add([&, &field = name] {
      return Problem{path_ + "." + Printable(field, 80), "unknown field" + DidYouMean(field, known_)};
    });
  }
}

}  // namespace imagebatch::batch
