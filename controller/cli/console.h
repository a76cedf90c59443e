#pragma once
#include <string>
#include <string_view>

namespace imagebatch::cli {

enum class Style { Bold, Dim, Good, Bad, Warning };

/// Who reads what is written to a file descriptor: a person at a terminal, or a file or program. What is
/// drawn anew and colours are for a person alone, and colours only where NO_COLOR is not set
/// (https://no-color.org) and TERM is not `dumb`.
class Console {
 public:
  explicit Console(int fd);

  bool terminal() const { return terminal_; }
  bool color() const { return color_; }
  /// As it is now; 80 where it is no terminal, at least 20.
  int columns() const;
  /// `text` in this style, or as it is where there are no colours.
  std::string Styled(std::string_view text, Style style) const;

 private:
  int fd_;
  bool terminal_, color_;
};

}  // namespace imagebatch::cli
