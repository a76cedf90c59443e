#include "base/mask.h"

#include <algorithm>
#include <cctype>

namespace imagebatch {
namespace {

constexpr std::string_view kHidden = "***";
constexpr std::string_view kSpaces{" \t\n\r\0", 5};
constexpr std::string_view kValueEnds{" \t\n\r\0\"'`", 8};
constexpr std::string_view kUserEnds{" \t\n\r\0\"'`/?#", 11};

bool IsNameByte(char byte) {
  return std::isalnum(static_cast<unsigned char>(byte)) != 0 || byte == '-' || byte == '_' || byte == '.';
}

bool IsSecretName(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char byte) {
    return byte == '_' ? '-' : static_cast<char>(std::tolower(byte));
  });
  const std::string_view word =
      std::string_view(lower).substr(std::min(lower.find_first_not_of('-'), lower.size()));
  for (std::string_view whole : {"auth", "pass", "bearer"}) {
    if (word == whole) return true;
  }
  for (std::string_view part : {"password", "passwd", "passphrase", "secret", "token", "apikey", "api-key",
                                "accesskey", "access-key", "private-key", "credential", "authorization"}) {
    if (word.find(part) != std::string_view::npos) return true;
  }
  return false;
}

class Masker {
 public:
  explicit Masker(std::string_view text) : text_(text) {}

  std::string Run() {
    while (!text_.empty()) {
      if (text_.starts_with("://")) {
        Copy(3);
        MaskUser();
      } else if (IsNameByte(text_.front())) {
        Name();
      } else {
        Copy(1);
      }
    }
    return std::move(masked_);
  }

 private:
  char Front() const { return text_.empty() ? '\0' : text_.front(); }

  void Copy(size_t bytes) {
    for (char byte : text_.substr(0, bytes)) masked_ += byte == '\0' ? ' ' : byte;
    text_.remove_prefix(bytes);
  }

  void Hide(size_t bytes) {
    if (bytes > 0) masked_ += kHidden;
    text_.remove_prefix(bytes);
  }

  size_t Until(std::string_view ends, size_t from = 0) const {
    return std::min(text_.find_first_of(ends, from), text_.size());
  }

  /// user:password@ after "://".
  void MaskUser() {
    const size_t end = Until(kUserEnds);
    const size_t at = text_.substr(0, end).rfind('@');
    if (at != std::string_view::npos) Hide(at);
  }

  void Name() {
    const auto end = std::find_if_not(text_.begin(), text_.end(), IsNameByte);
    const std::string_view name = text_.substr(0, static_cast<size_t>(end - text_.begin()));
    Copy(name.size());
    if (!IsSecretName(name)) return;
    const bool option = name.front() == '-';
    if (Front() == '=' && !text_.starts_with("==")) {  // pip's NAME==VERSION gives nothing away
      Copy(1);
      MaskValue(kValueEnds);
    } else if (Front() == ':' && !text_.starts_with("://")) {
      Copy(1);
      CopySpaces();
      MaskValue({"\n\r\0\"'`", 6});  // of a header: to the end of its line or quotation
    } else if (option && text_.starts_with('\0')) {
      Copy(1);
      Hide(Until({"\0", 1}));  // an argument of its own
    } else if ((option || name.size() == 6) && kSpaces.find(Front()) != std::string_view::npos) {
      CopySpaces();  // within a shell's command line; or "Bearer x"
      MaskValue(kValueEnds);
    }
  }

  void CopySpaces() { Copy(std::min(text_.find_first_not_of(kSpaces), text_.size())); }

  void MaskValue(std::string_view ends) {
    const char quote = Front();
    if (quote != '"' && quote != '\'') {
      Hide(Until(ends));
      return;
    }
    Copy(1);
    Hide(Until({&quote, 1}));
  }

  std::string_view text_;
  std::string masked_;
};

}  // namespace

std::string MaskSecrets(std::string_view text) { return Masker(text).Run(); }

}  // namespace imagebatch
