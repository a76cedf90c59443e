#include "cluster/objects/names.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include "cluster/objects/sha256.h"

namespace imagebatch::cluster {
namespace {

using Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

Digest Hash(std::string_view text) {
  Digest digest;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return digest;
}

std::string Namespaced(std::string_view prefix, std::string_view ns, std::string_view resource) {
  return std::string(prefix).append("/namespaces/").append(ns).append("/").append(resource);
}

/// `<batch, cut><end>`, at most 63 characters, a DNS label.
std::string CutName(std::string_view batch, const std::string& end) {
  constexpr size_t kLimit = 63;
  std::string name(batch.substr(0, kLimit - end.size()));
  std::replace(name.begin(), name.end(), '.', '-');
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name + end;
}

std::string AttemptOf(std::string_view build_hash, int attempt) {
  return std::string("-").append(build_hash).append("-").append(std::to_string(attempt));
}

bool Alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

std::string Sha256(std::string_view text) {
  Sha256Stream stream;
  stream.Add(text);
  return stream.Take();
}

std::string BuildHash(std::string_view batch_uid, std::string_view stage, std::string_view key) {
  constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz234567";  // RFC 4648, lower case
  // A stage is a DNS label and a UID has no '/', so no two triples share a text
  const Digest digest = Hash(std::string(batch_uid).append("/").append(stage).append("/").append(key));
  std::string out;
  uint32_t bits = 0;
  int have = 0;
  for (size_t i = 0; out.size() < kBuildHashSize; ++i) {
    bits = (bits << 8) | digest[i];
    have += 8;
    while (have >= 5 && out.size() < kBuildHashSize) {
      out.push_back(kAlphabet[(bits >> (have - 5)) & 31]);
      have -= 5;
    }
  }
  return out;
}

std::string JobName(std::string_view batch, std::string_view build_hash, int attempt) {
  return CutName(batch, AttemptOf(build_hash, attempt));
}

std::string EvidenceName(std::string_view batch, std::string_view build_hash, int attempt) {
  return CutName(batch, "-evidence" + AttemptOf(build_hash, attempt));
}

std::string LabelValue(std::string_view text) {
  std::string out(text.substr(0, 63));
  for (char& c : out) {
    if (!Alphanumeric(c) && c != '.' && c != '-') c = '_';
  }
  while (!out.empty() && !Alphanumeric(out.back())) out.pop_back();
  while (!out.empty() && !Alphanumeric(out.front())) out.erase(0, 1);
  return out;
}

std::string BatchPath(std::string_view ns, std::string_view name) {
  return Namespaced("/apis/imagebatch.dev/v1alpha1", ns, "imagebatches/").append(name);
}
std::string JobsPath(std::string_view ns) { return Namespaced("/apis/batch/v1", ns, "jobs"); }
std::string PodsPath(std::string_view ns) { return Namespaced("/api/v1", ns, "pods"); }
std::string ConfigMapsPath(std::string_view ns) { return Namespaced("/api/v1", ns, "configmaps"); }
std::string RecordsPath(std::string_view ns) {
  return Namespaced("/apis/imagebatch.dev/v1alpha1", ns, "imagebatchrecords");
}
std::string EventsPath(std::string_view ns) { return Namespaced("/api/v1", ns, "events"); }

}  // namespace imagebatch::cluster
