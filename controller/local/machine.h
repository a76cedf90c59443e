#pragma once
#include <cstddef>
#include <string>
#include <vector>

/// What this machine and this process are asked for.
namespace imagebatch::local {

std::string HostName();

/// What an errno means, in words; safe in any thread.
std::string ErrorText(int error);

/// NAME=value of our own environment.
std::vector<std::string> OwnEnvironment();

/// Random text that nobody can guess.
std::string Secret();

/// The last `most` bytes of a file; empty where it cannot be read.
std::string ReadEnd(const std::string& path, size_t most);

}  // namespace imagebatch::local
