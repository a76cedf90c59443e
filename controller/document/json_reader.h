#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace imagebatch::document {

/// Events of one JSON text, for readers that make something of their own of it: it keeps the first error,
/// with its place, and stops there.
class JsonEvents : public nlohmann::json_sax<nlohmann::json> {
 public:
  /// Parses `text`; true where it was one whole, valid JSON value and no event was refused.
  bool Parse(std::string_view text) { return Parse(text, text); }
  /// The same of a part of a text; the places in errors are those within the `whole`.
  bool Parse(std::string_view part, std::string_view whole);
  /// Why Parse was false.
  const std::string& error() const { return error_; }

  bool binary(binary_t&) override { return Refuse("holds binary data"); }
  bool parse_error(size_t position, const std::string& token,
                   const nlohmann::detail::exception& error) override;

 protected:
  /// Ends the parse with this error; for `return Refuse(...)` in an event.
  bool Refuse(std::string message);

 private:
  std::string_view whole_;
  size_t begin_ = 0;  // of the part
  std::string error_;
};

}  // namespace imagebatch::document
