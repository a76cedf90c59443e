#pragma once
#include <functional>
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
/// closed stay as they are.
std::vector<Piece> ParseReferences(std::string_view text, Dollars dollars);

/// `text` with each reference replaced by what `value` gives for its name.
std::string Substitute(std::string_view text, Dollars dollars,
                       const std::function<std::string_view(std::string_view name)>& value);

}  // namespace imagebatch::batch
