#include "kube/config/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <memory>

namespace imagebatch::kube {
namespace {

template <auto free>
struct Free {
  template <class T>
  void operator()(T* object) const {
    free(object);
  }
};
using BioPtr = std::unique_ptr<BIO, Free<BIO_free>>;
using CertificatePtr = std::unique_ptr<X509, Free<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using StorePtr = std::unique_ptr<X509_STORE, Free<X509_STORE_free>>;

/// What OpenSSL says about the last failure; empties its queue, which belongs to the thread.
std::string LastError() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  if (code == 0) return "not PEM, or empty";
  std::array<char, 256> text;
  ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

BioPtr Open(const std::string& pem) {
  return BioPtr(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

/// The next certificate of the text; null at its end.
CertificatePtr NextCertificate(BIO* bio) {
  return CertificatePtr(PEM_read_bio_X509(bio, nullptr, nullptr, nullptr));
}

Result<void> TrustOnly(SSL_CTX* context, const Pem& ca) {
  const Result<std::string> pem = ReadPem(ca);
  if (!pem) return Fail("certificate authority: " + pem.error().message);
  StorePtr store(X509_STORE_new());
  const BioPtr bio = Open(*pem);
  int count = 0;
  while (const CertificatePtr certificate = NextCertificate(bio.get())) {
    if (X509_STORE_add_cert(store.get(), certificate.get()) != 1)
      return Fail("certificate authority: " + LastError());
    ++count;
  }
  if (count == 0) return Fail("certificate authority: no certificate: " + LastError());
  ERR_clear_error();  // the end of the text is an error to OpenSSL
  SSL_CTX_set_cert_store(context, store.release());
  return {};
}

Result<void> UseCertificate(SSL_CTX* context, const Pem& source) {
  const Result<std::string> pem = ReadPem(source);
  if (!pem) return Fail("client certificate: " + pem.error().message);
  const BioPtr bio = Open(*pem);
  const CertificatePtr leaf = NextCertificate(bio.get());
  if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1)
    return Fail("client certificate: " + LastError());
  while (CertificatePtr issuer = NextCertificate(bio.get())) {
    if (SSL_CTX_add0_chain_cert(context, issuer.get()) != 1)
      return Fail("client certificate: " + LastError());
    static_cast<void>(issuer.release());  // the context owns it now
  }
  ERR_clear_error();
  return {};
}

Result<void> UseKey(SSL_CTX* context, const Pem& source) {
  const Result<std::string> pem = ReadPem(source);
  if (!pem) return Fail("client key: " + pem.error().message);
  const BioPtr bio = Open(*pem);
  // An empty passphrase instead of OpenSSL's prompt on the terminal
  std::string no_passphrase;
  const KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, no_passphrase.data()));
  // Also fails where the key does not belong to the certificate
  if (!key || SSL_CTX_use_PrivateKey(context, key.get()) != 1) return Fail("client key: " + LastError());
  return {};
}

}  // namespace

Result<void> ConfigureTls(SSL_CTX* context, const TransportConfig& config) {
  ERR_clear_error();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  if (!config.ca.Empty()) {
    if (auto trusted = TrustOnly(context, config.ca); !trusted) return trusted;
  }
  if (config.client_certificate.Empty() != config.client_key.Empty())
    return Fail("client certificate and client key must be given together");
  if (config.client_certificate.Empty()) return {};
  if (auto used = UseCertificate(context, config.client_certificate); !used) return used;
  return UseKey(context, config.client_key);
}

}  // namespace imagebatch::kube
