#pragma once
#include <string>
#include <vector>

#include "base/time.h"
#include "cli/console.h"
#include "local/picture.h"

namespace imagebatch::local {

/// Standard output: on a terminal a picture that is drawn anew below the lines that were said, elsewhere
/// lines with their time.
class Screen {
 public:
  bool terminal() const { return console_.terminal(); }
  /// One line that stays.
  void Say(const std::string& text, Time now, bool bad = false);
  /// How it goes: on a terminal each time, elsewhere once a minute.
  void Show(const View& view);
  /// No picture any more.
  void Clear();

 private:
  static void Write(const std::string& text);

  const cli::Console console_{1};
  size_t drawn_ = 0;  // lines of the picture
  std::string last_;
  Time shown_{};
};

}  // namespace imagebatch::local
