#include "kube/config/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

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

/// In place of X509_verify_cert: without the callback of the HTTP library, which knows only the host of the
/// address. The name is checked as the context has it.
int VerifyByContext(X509_STORE_CTX* store, void* /*unused*/) {
  X509_STORE_CTX_set_verify_cb(store, [](int good, X509_STORE_CTX* /*unused*/) { return good; });
  return X509_verify_cert(store);
}

/// Before the first message of a connection goes out: the name in it, for servers with several certificates.
void NameServer(const SSL* connection, int where, int /*unused*/) {
  if ((where & SSL_CB_HANDSHAKE_START) == 0) return;
  SSL* const ssl = const_cast<SSL*>(connection);  // what OpenSSL hands out there is the connection itself
  const char* const name = X509_VERIFY_PARAM_get0_host(SSL_get0_param(ssl), 0);
  // What SSL_set_tlsext_host_name does with a cast of the old style
  if (name != nullptr)
    SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(name));
}

Result<void> ExpectName(SSL_CTX* context, const std::string& name) {
  X509_VERIFY_PARAM* const expected = SSL_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (X509_VERIFY_PARAM_set1_ip_asc(expected, name.c_str()) != 1 &&
      X509_VERIFY_PARAM_set1_host(expected, name.data(), name.size()) != 1)
    return Fail("tls-server-name: " + LastError());
  ERR_clear_error();
  SSL_CTX_set_cert_verify_callback(context, VerifyByContext, nullptr);
  SSL_CTX_set_info_callback(context, NameServer);
  return {};
}

}  // namespace

Result<void> ConfigureTls(SSL_CTX* context, const TransportConfig& config) {
  ERR_clear_error();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  if (!config.ca.Empty()) {
    if (auto trusted = TrustOnly(context, config.ca); !trusted) return trusted;
  }
  if (!config.tls_server_name.empty()) {
    if (auto expected = ExpectName(context, config.tls_server_name); !expected) return expected;
  }
  if (config.client_certificate.Empty() != config.client_key.Empty())
    return Fail("client certificate and client key must be given together");
  if (config.client_certificate.Empty()) return {};
  if (auto used = UseCertificate(context, config.client_certificate); !used) return used;
  return UseKey(context, config.client_key);
}

}  // namespace imagebatch::kube
