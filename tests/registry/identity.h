#pragma once
#include <openssl/evp.h>

#include <memory>
#include <string>

namespace imagebatch::testing {

/// A key and the certificate that it has signed itself, for 127.0.0.1, good for an hour.
struct Identity {
  struct FreeKey {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  };
  std::unique_ptr<EVP_PKEY, FreeKey> key;
  std::string key_pem, certificate_pem, certificate_der;
};

Identity MakeIdentity();

}  // namespace imagebatch::testing
