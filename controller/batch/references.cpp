#include "batch/references.h"

namespace imagebatch::batch {

std::vector<Piece> ParseReferences(std::string_view text, Dollars dollars) {
  std::vector<Piece> pieces;
  CutReferences(
      text.begin(), text.end(), dollars,
      [&](auto from, auto to) {
        if (from == to) return;
        if (pieces.empty() || pieces.back().is_name) pieces.push_back({});
        pieces.back().text.append(from, to);
      },
      [&](auto from, auto to) {
        pieces.push_back({true, std::string(from, to)});
      });
  return pieces;
}

std::string Substitute(std::string_view text, Dollars dollars,
                       const std::function<std::optional<std::string_view>(std::string_view name)>& value) {
  std::string out;
  for (const Piece& piece : ParseReferences(text, dollars)) {
    if (!piece.is_name) {
      out += piece.text;
      continue;
    }
    const std::optional<std::string_view> found = value(piece.text);
    if (!found) {
      out.append("$(").append(piece.text).append(")");
      continue;
    }
    for (const char c : *found) {
      out += c;
      if (c == '$' && dollars == Dollars::Kept) out += c;
    }
  }
  return out;
}

}  // namespace imagebatch::batch
