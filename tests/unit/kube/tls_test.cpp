#include "kube/config/tls.h"

#include <gmock/gmock.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>

namespace imagebatch::kube {
namespace {

using ::testing::HasSubstr;

std::string TextOf(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<size_t>(size));
  BIO_free(bio);
  return text;
}

struct Identity {
  std::string certificate, key;
};

/// A self-signed certificate with its key.
Identity MakeIdentity() {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1, -1,
                             0);
  X509_set_issuer_name(certificate, name);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_sign(certificate, key, EVP_sha256());
  BIO* certificate_text = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(certificate_text, certificate);
  BIO* key_text = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(key_text, key, nullptr, nullptr, 0, nullptr, nullptr);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return {TextOf(certificate_text), TextOf(key_text)};
}

class TlsTest : public ::testing::Test {
 protected:
  Pem Data(std::string text) {
    Pem pem;
    pem.data = std::move(text);
    return pem;
  }
  std::string Error() {
    const auto set = ConfigureTls(context_.get(), config_);
    return set ? "" : set.error().message;
  }
  size_t Trusted() {
    STACK_OF(X509)* all = X509_STORE_get1_all_certs(SSL_CTX_get_cert_store(context_.get()));
    const int count = sk_X509_num(all);
    sk_X509_pop_free(all, X509_free);
    return static_cast<size_t>(count);
  }

  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_{SSL_CTX_new(TLS_client_method()), SSL_CTX_free};
  TransportConfig config_;
};

TEST_F(TlsTest, TrustsTheGivenAuthoritiesAloneWhateverWasTrustedBefore) {
  config_.ca = Data(MakeIdentity().certificate);
  EXPECT_EQ(Error(), "");
  EXPECT_EQ(Trusted(), 1U);
  config_.ca = Data(MakeIdentity().certificate + "comment\n" + MakeIdentity().certificate);
  EXPECT_EQ(Error(), "");
  EXPECT_EQ(Trusted(), 2U);
}

TEST_F(TlsTest, SpeaksNothingOlderThanTls12) {
  EXPECT_EQ(Error(), "");
  EXPECT_EQ(SSL_CTX_get_min_proto_version(context_.get()), TLS1_2_VERSION);
}

TEST_F(TlsTest, TakesAClientCertificateWithItsChain) {
  const Identity identity = MakeIdentity();
  config_.client_certificate = Data(identity.certificate + MakeIdentity().certificate);
  config_.client_key = Data(identity.key);
  EXPECT_EQ(Error(), "");
  STACK_OF(X509)* chain = nullptr;
  SSL_CTX_get0_chain_certs(context_.get(), &chain);
  EXPECT_EQ(sk_X509_num(chain), 1);
}

TEST_F(TlsTest, SaysWhatIsWrong) {
  config_.ca = Data("nonsense");
  EXPECT_THAT(Error(), HasSubstr("certificate authority: no certificate"));
  config_.ca = {"/nowhere/ca.crt", ""};
  EXPECT_THAT(Error(), HasSubstr("certificate authority: cannot read /nowhere/ca.crt"));
  config_.ca = {};
  const Identity identity = MakeIdentity();
  config_.client_certificate = Data(identity.certificate);
  EXPECT_THAT(Error(), HasSubstr("together"));
  config_.client_key = Data("nonsense");
  EXPECT_THAT(Error(), HasSubstr("client key"));
  config_.client_key = Data(MakeIdentity().key);
  EXPECT_THAT(Error(), HasSubstr("mismatch"));
  config_.client_certificate = Data("nonsense");
  EXPECT_THAT(Error(), HasSubstr("client certificate"));
}

TEST_F(TlsTest, AnEncryptedKeyFailsInsteadOfAskingForItsPassphrase) {
  const Identity identity = MakeIdentity();
  BIO* plain = BIO_new_mem_buf(identity.key.data(), static_cast<int>(identity.key.size()));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(plain, nullptr, nullptr, nullptr);
  BIO_free(plain);
  BIO* encrypted = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(encrypted, key, EVP_aes_128_cbc(),
                           reinterpret_cast<const unsigned char*>("secret"), 6, nullptr, nullptr);
  EVP_PKEY_free(key);
  config_.client_certificate = Data(identity.certificate);
  config_.client_key = Data(TextOf(encrypted));
  EXPECT_THAT(Error(), HasSubstr("client key"));
}

}  // namespace
}  // namespace imagebatch::kube
