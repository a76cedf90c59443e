#pragma once
#include <string>
#include <string_view>

#include "document/json_reader.h"

namespace imagebatch::document {

/// Reads one JSON object member by member, for rows: numbers keep their spelling, which a value would lose
/// (4.10 is not 4.1), and what is within a list or an object is read past.
class FlatObject : public JsonEvents {
 public:
  enum class Spelled { Text, Number, Word };  // "4.10", 4.10, true
  enum class Other { Null, List, Object };

  bool null() final { return Value(Other::Null); }
  bool boolean(bool value) final { return Value(value ? "true" : "false", Spelled::Word); }
  bool number_integer(number_integer_t value) final {
    return Value(value == 0 ? "-0" : std::to_string(value),
                 Spelled::Number);  // only one with a sign comes here
  }
  bool number_unsigned(number_unsigned_t value) final {
    return Value(std::to_string(value), Spelled::Number);
  }
  bool number_float(number_float_t, const string_t& written) final { return Value(written, Spelled::Number); }
  bool string(string_t& value) final { return Value(value, Spelled::Text); }
  bool start_object(size_t) final { return depth_ == 0 ? Open() : Value(Other::Object) && Open(); }
  bool key(string_t& name) final;
  bool end_object() final { return Close(); }
  bool start_array(size_t) final { return Value(Other::List) && Open(); }
  bool end_array() final { return Close(); }

 protected:
  /// The name of the next member. What is wrong with it, nothing where all is well.
  virtual std::string Name(std::string_view name) = 0;
  /// What it holds.
  virtual void Scalar(std::string_view value, Spelled spelled) = 0;
  virtual void NoScalar(Other other) = 0;

 private:
  bool Open() {
    ++depth_;
    return true;
  }
  bool Close() {
    --depth_;
    return true;
  }
  bool Value(std::string_view value, Spelled spelled);
  bool Value(Other other);

  size_t depth_ = 0;  // of objects and lists that are open; 1 in the object itself
};

}  // namespace imagebatch::document
