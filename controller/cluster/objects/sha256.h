#pragma once
#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>

namespace imagebatch::cluster {

/// SHA-256 of a text that comes in pieces.
class Sha256Stream {
 public:
  Sha256Stream();

  void Add(std::string_view piece);
  /// Of all pieces, in lower-case hexadecimal. Once.
  std::string Take();

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace imagebatch::cluster
