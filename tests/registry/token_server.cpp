#include "registry/token_server.h"

#include <chrono>
#include <nlohmann/json.hpp>

#include "base/base64.h"

namespace imagebatch::testing {
namespace {

using nlohmann::json;

std::string Base64Url(std::string_view bytes) {
  std::string text = EncodeBase64(bytes);
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  text.erase(std::min(text.find('='), text.size()));
  return text;
}

int64_t Seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

TokenServer::TokenServer(const TemporaryDirectory& directory)
    : file_(directory.path() / "token.crt"),
      server_([this](const HttpRequest& request, Reply& reply) { Serve(request, reply); }) {
  directory.Write("token.crt", identity_.certificate_pem);
}

std::string TokenServer::Auth() const {
  return "{token: {realm: '" + Url() + "/token', service: registry, issuer: tokens, rootcertbundle: '" +
         file_ + "'}}";
}

std::string TokenServer::PushAuthorization(const std::string& repository) const {
  return "Bearer " + Token(repository, "pull,push");
}

std::string TokenServer::Token(const std::string& repository, const std::string& actions) const {
  json list = json::array();
  for (size_t at = 0; at <= actions.size();) {
    const size_t end = std::min(actions.find(',', at), actions.size());
    list.push_back(actions.substr(at, end - at));
    at = end + 1;
  }
  const json head = {{"typ", "JWT"}, {"alg", "RS256"}, {"x5c", {EncodeBase64(identity_.certificate_der)}}};
  const json claims = {{"iss", "tokens"},
                       {"sub", kUser},
                       {"aud", "registry"},
                       {"exp", Seconds() + 300},
                       {"nbf", Seconds() - 60},
                       {"iat", Seconds() - 60},
                       {"jti", "1"},
                       {"access", {{{"type", "repository"}, {"name", repository}, {"actions", list}}}}};
  const std::string signed_part = Base64Url(head.dump()) + "." + Base64Url(claims.dump());
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, identity_.key.get());
  const auto* const data = reinterpret_cast<const unsigned char*>(signed_part.data());
  size_t size = 0;
  EVP_DigestSign(context.get(), nullptr, &size, data, signed_part.size());
  std::string signature(size, '\0');
  EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, data,
                 signed_part.size());
  signature.resize(size);
  return signed_part + "." + Base64Url(signature);
}

/// A token for what is asked for, to whom has the password; one for nothing to others.
void TokenServer::Serve(const HttpRequest& request, Reply& reply) const {
  const auto header = request.headers.find("authorization");
  const bool known = header != request.headers.end() &&
                     header->second == "Basic " + EncodeBase64(std::string(kUser) + ":" + kPassword);
  if (header != request.headers.end() && !known) return reply.Send(401, "wrong password");
  const std::string word = "scope=repository%3A", end = "%3Apull";
  const size_t at = request.target.find(word), to = request.target.find(end);
  if (at == std::string::npos || to == std::string::npos) return reply.Send(400, "no scope");
  std::string repository = request.target.substr(at + word.size(), to - at - word.size());
  for (size_t slash; (slash = repository.find("%2F")) != std::string::npos;)
    repository.replace(slash, 3, "/");
  reply.Send(200, json{{"token", Token(repository, known ? "pull" : "")}, {"expires_in", 300}}.dump());
}

}  // namespace imagebatch::testing
