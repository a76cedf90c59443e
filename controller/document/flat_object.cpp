#include "document/flat_object.h"

namespace imagebatch::document {
namespace {

constexpr const char* kNoObject = "the row is not an object";

}  // namespace

bool FlatObject::key(string_t& name) {
  if (depth_ > 1) return true;
  std::string problem = Name(name);
  return problem.empty() || Refuse(std::move(problem));
}

bool FlatObject::Value(std::string_view value, Spelled spelled) {
  if (depth_ == 0) return Refuse(kNoObject);
  if (depth_ == 1) Scalar(value, spelled);
  return true;
}

bool FlatObject::Value(Other other) {
  if (depth_ == 0) return Refuse(kNoObject);
  if (depth_ == 1) NoScalar(other);
  return true;
}

}  // namespace imagebatch::document
