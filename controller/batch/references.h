#pragma once
#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace imagebatch::batch {

/// What becomes of `$$`. The kubelet reads some fields of a container a second time; there it stays as it is,
/// and every $ of an inserted value is doubled, so that the kubelet's pass restores the value.
enum class Dollars { Single, Kept };

/// A run of literal text, or the name between `$(` and `)`.
struct Piece {
  bool is_name = false;
  std::string text;
};

/// Splits text as Kubernetes does it (k8s.io/kubernetes/third_party/forked/golang/expansion): `$(x)` is a
/// reference up to the first `)`, `$$` is an escaped $, a $ before anything else and a `$(` that is never
/// closed stay as they are. Calls `literal(from, to)` for runs of text and `name(from, to)` for names, in
/// order. Looks at no character more than a few times, whatever the text is.
template <class Iterator, class Literal, class Name>
void CutReferences(Iterator from, const Iterator end, Dollars dollars, Literal literal, Name name) {
  bool closed = true;  // there may be another `)`; once there is none, none is looked for again
  for (Iterator at = from; at != end;) {
    const Iterator second = *at == '$' ? std::next(at) : end;
    if (second == end) {
      ++at;
    } else if (*second == '$') {
      literal(from, dollars == Dollars::Single ? second : std::next(second));
      from = at = std::next(second);
    } else if (*second == '(' && closed) {
      const Iterator close = std::find(std::next(second), end, ')');
      closed = close != end;
      if (!closed) continue;
      literal(from, at);
      name(std::next(second), close);
      from = at = std::next(close);
    } else {
      at = std::next(second);
    }
  }
  literal(from, end);
}

/// The pieces of a text. No two literal ones follow each other, and none is empty.
std::vector<Piece> ParseReferences(std::string_view text, Dollars dollars);

/// `text` with each reference replaced by what `value` gives for its name; where that is nothing, the
/// reference stays as it is written.
std::string Substitute(std::string_view text, Dollars dollars,
                       const std::function<std::optional<std::string_view>(std::string_view name)>& value);

}  // namespace imagebatch::batch
