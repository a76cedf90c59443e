#include "batch/references.h"

namespace imagebatch::batch {

std::vector<Piece> ParseReferences(std::string_view text, Dollars dollars) {
  std::vector<Piece> pieces;
  std::string literal;
  const auto end_literal = [&] {
    if (!literal.empty()) pieces.push_back({false, std::move(literal)});
    literal.clear();
  };
  for (size_t i = 0; i < text.size();) {
    if (text[i] != '$' || i + 1 == text.size()) {
      literal += text[i++];
      continue;
    }
    if (text[i + 1] == '$') {
      literal += dollars == Dollars::Single ? "$" : "$$";
      i += 2;
      continue;
    }
    const size_t close = text[i + 1] == '(' ? text.find(')', i + 2) : std::string_view::npos;
    if (close == std::string_view::npos) {
      literal += text.substr(i, 2);
      i += 2;
      continue;
    }
    end_literal();
    pieces.push_back({true, std::string(text.substr(i + 2, close - i - 2))});
    i = close + 1;
  }
  end_literal();
  return pieces;
}

std::string Substitute(std::string_view text, Dollars dollars,
                       const std::function<std::string_view(std::string_view name)>& value) {
  std::string out;
  for (const Piece& piece : ParseReferences(text, dollars)) {
    if (!piece.is_name) {
      out += piece.text;
      continue;
    }
    for (const char c : value(piece.text)) {
      out += c;
      if (c == '$' && dollars == Dollars::Kept) out += c;
    }
  }
  return out;
}

}  // namespace imagebatch::batch
