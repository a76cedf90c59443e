#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace imagebatch::kube {

/// One object of a kubeconfig with its place in messages, such as `/home/x/.kube/config: user "admin"`.
struct Section {
  nlohmann::json value;
  std::string place;
  std::filesystem::path folder;  // of its file: relative paths begin there

  /// Its absence is an empty text or false; another type is an error.
  Result<std::string> Text(const char* key) const;
  Result<bool> Flag(const char* key) const;
  tl::unexpected<Error> Wrong(const std::string& message) const { return Fail(place + ": " + message); }
};

/// The kubeconfig files of one person, in the order of their precedence.
class KubeconfigFiles {
 public:
  /// Fails on a file that cannot be read or is no kubeconfig, with the line; `skip_missing`: but not on one
  /// that does not exist.
  static Result<KubeconfigFiles> Read(const std::vector<std::filesystem::path>& paths, bool skip_missing);

  bool Empty() const { return files_.empty(); }
  /// Of the first file that has one; an error where none does.
  Result<std::string> CurrentContext() const;
  /// The entry called `name` of the list `list`, its part `kind`: {name: NAME, KIND: {...}}. Of the first
  /// file that has it.
  Result<Section> Find(const char* list, const char* kind, const std::string& name) const;

 private:
  /// The files, for messages.
  std::string Places() const;
  /// The names in a list of all files, as the end of a message; empty where there are none.
  std::string Known(const char* list) const;

  std::vector<std::pair<std::filesystem::path, nlohmann::json>> files_;
};

}  // namespace imagebatch::kube
