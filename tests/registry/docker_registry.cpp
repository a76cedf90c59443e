#include "registry/docker_registry.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <thread>
#include <utility>

#include "base/percent_encode.h"
#include "kube/cpprest_transport.h"

namespace imagebatch::testing {
namespace {

using namespace std::chrono_literals;

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

uint16_t FreePort() {
  const int one = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof address;
  if (bind(one, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(one, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("no free port");
  close(one);
  return ntohs(address.sin_port);
}

bool Answers(uint16_t port) {
  const int one = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(port);
  const bool connected = connect(one, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  close(one);
  return connected;
}

std::string DigestOf(const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  std::string out = "sha256:";
  for (unsigned int i = 0; i < size; ++i) {
    out.push_back("0123456789abcdef"[digest[i] >> 4]);
    out.push_back("0123456789abcdef"[digest[i] & 15]);
  }
  return out;
}

}  // namespace

std::unique_ptr<kube::HttpTransport> ForeignTransport(const std::string& server, const std::string& trusted) {
  kube::TransportConfig config;
  config.server = server;
  config.foreign = true;
  config.ca.data = trusted;
  auto transport = kube::MakeCpprestTransport(config);
  if (!transport) throw std::runtime_error(transport.error().message);
  return std::move(*transport);
}

DockerRegistry::DockerRegistry(const TemporaryDirectory& directory, const std::string& auth,
                               const Identity* identity) {
  const uint16_t port = FreePort();
  host_ = "127.0.0.1:" + std::to_string(port);
  const auto file = [&](const char* name) { return "'" + (directory.path() / name).string() + "'"; };
  std::string tls;
  if (identity != nullptr) {
    directory.Write("registry.crt", identity->certificate_pem);
    directory.Write("registry.key", identity->key_pem);
    tls = ", tls: {certificate: " + file("registry.crt") + ", key: " + file("registry.key") + "}";
  }
  directory.Write("registry.yaml",
                  "version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: " + file("data") +
                      "}}\nhttp: {addr: '" + host_ + "'" + tls + "}\n" +
                      (auth.empty() ? "" : "auth: " + auth + "\n"));
  const char* const program = std::getenv("DOCKER_REGISTRY");  // NOLINT(concurrency-mt-unsafe)
  if (program == nullptr) throw std::runtime_error("DOCKER_REGISTRY must name the program");
  const std::string config = directory.path() / "registry.yaml";
  std::array<const char*, 4> words = {program, "serve", config.c_str(), nullptr};
  if (posix_spawn(&pid_, program, nullptr, nullptr, const_cast<char**>(words.data()), environ) != 0)
    throw std::runtime_error(std::string("cannot start ") + program);
  for (int tries = 0; !Answers(port); ++tries) {
    if (tries == 500 || waitpid(pid_, nullptr, WNOHANG) != 0)
      throw std::runtime_error("the registry did not start");
    std::this_thread::sleep_for(20ms);
  }
  client_ = identity == nullptr ? ForeignTransport("http://" + host_)
                                : ForeignTransport("https://" + host_, identity->certificate_pem);
}

DockerRegistry::~DockerRegistry() { Stop(); }

void DockerRegistry::Stop() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(std::exchange(pid_, -1), nullptr, 0);
}

kube::Response DockerRegistry::Send(const kube::Request& request, int expected) {
  auto response = client_->Send(request, 10s);
  if (!response) throw std::runtime_error(response.error().message);
  if (response->status != expected)
    throw std::runtime_error(request.path + ": " + std::to_string(response->status) + " " + response->body);
  return std::move(*response);
}

std::string DockerRegistry::Push(const std::string& repository, const std::string& tag,
                                 const std::string& authorization) {
  const std::string blob = "{\"for\":\"" + repository + ":" + tag + "\"}";
  kube::Request request;
  request.authorization = authorization;
  request.method = kube::Method::Post;
  request.path = "/v2/" + repository + "/blobs/uploads/";
  request.reads_headers = {"location"};
  std::string location = Send(request, 202).headers.at("location");
  location.erase(0, location.find("/v2/"));
  request.method = kube::Method::Put;
  request.path = location + (location.find('?') == std::string::npos ? "?" : "&") +
                 "digest=" + PercentEncode(DigestOf(blob));
  request.body = blob;
  request.content_type = "application/octet-stream";
  Send(request, 201);
  const std::string part = "\"digest\":\"" + DigestOf(blob) + "\",\"size\":" + std::to_string(blob.size());
  request.path = "/v2/" + repository + "/manifests/" + tag;
  request.content_type = "application/vnd.oci.image.manifest.v1+json";
  request.body = "{\"schemaVersion\":2,\"mediaType\":\"" + request.content_type +
                 "\",\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\"," + part +
                 "},\"layers\":[{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\"," + part + "}]}";
  Send(request, 201);
  return DigestOf(request.body);
}

}  // namespace imagebatch::testing
