#include "local/start_record.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/descriptor.h"
#include "cluster/store/input.h"
#include "document/json_member.h"
#include "local/machine.h"

namespace imagebatch::local {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

tl::unexpected<Error> CannotWrite(const fs::path& path, int error) {
  return Fail("cannot write " + path.string() + ": " + ErrorText(error));
}

std::string MoveAway(const fs::path& path) {
  const std::string root = path.parent_path();
  return "give the batch another metadata.name, or move " + root + " away to begin anew";
}

}  // namespace

Result<void> ReplaceFile(const fs::path& path, const std::string& text) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) return CannotWrite(path, error.value());
  const fs::path part = path.string() + ".part";
  const Descriptor file(open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file.Open()) return CannotWrite(path, errno);
  const auto give_up = [&](int why) {
    fs::remove(part, error);
    return CannotWrite(path, why);
  };
  for (size_t done = 0; done < text.size();) {
    const ssize_t written = write(file.Get(), text.data() + done, text.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return give_up(errno);
    done += static_cast<size_t>(written);
  }
  if (fsync(file.Get()) != 0 || rename(part.c_str(), path.c_str()) != 0) return give_up(errno);
  return {};
}

Result<StartRecord> Begin(const fs::path& path, const std::string& input_digest, bool has_results, Time now) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    if (has_results) {
      return Fail(path.parent_path().string() + " has results but no " + path.filename().string() +
                  ", which says of which batch they are; " + MoveAway(path));
    }
    const json record = {{"inputDigest", input_digest},
                         {"digestVersion", cluster::kDigestVersion},
                         {"startTime", FormatTime(now)}};
    if (auto written = ReplaceFile(path, record.dump() + "\n"); !written)
      return tl::unexpected(written.error());
    return StartRecord{input_digest, now};
  }
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const json record = json::parse(text, nullptr, false);
  const auto start =
      record.is_object() ? ParseTime(document::StringMember(record, "startTime")) : std::nullopt;
  if (!start) return Fail(path.string() + " is not what this program wrote; " + MoveAway(path));
  const std::string begun_with = document::StringMember(record, "inputDigest");
  // Another version of this program makes the digest in another way: then they cannot be compared
  const bool comparable = record.value("digestVersion", json()) == cluster::kDigestVersion;
  if (comparable && begun_with != input_digest) {
    return Fail("the batch is not the one that was begun in " + path.parent_path().string() +
                ": its stages, variables or rows have changed since " + FormatTime(*start) +
                ", and what is built there may be of the old ones; undo the change, " + MoveAway(path));
  }
  return StartRecord{comparable ? begun_with : input_digest, *start};
}

}  // namespace imagebatch::local
