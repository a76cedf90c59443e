#include "cli/read_all.h"

#include <array>
#include <cerrno>
#include <fstream>
#include <iostream>
#include <system_error>

#include "base/text.h"

namespace imagebatch::cli {
namespace {

std::string ReasonOf(int error) { return std::generic_category().message(error); }

}  // namespace

Result<std::string> ReadAll(const std::string& file, size_t most) {
  const auto fail = [&](const std::string& why) { return Fail(Printable(file, 300) + ": " + why); };
  std::ifstream opened;
  if (file != "-") {
    opened.open(file, std::ios::binary);
    if (!opened) return fail("cannot be read: " + ReasonOf(errno));
  }
  std::istream& in = file == "-" ? std::cin : opened;
  std::string text;
  for (std::array<char, 65536> piece{}; in.read(piece.data(), piece.size()) || in.gcount() > 0;) {
    text.append(piece.data(), static_cast<size_t>(in.gcount()));
    if (text.size() > most) return fail("is larger than " + std::to_string(most >> 20U) + " MiB");
  }
  if (in.bad()) return fail("cannot be read: " + ReasonOf(errno));
  return text;
}

}  // namespace imagebatch::cli
