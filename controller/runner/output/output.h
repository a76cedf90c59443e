#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "runner/proc/files.h"

namespace imagebatch::runner {

/// Passes one stream of the command through to one of ours, byte for byte and at once. It holds at most one
/// buffer: while ours does not take it, the command's pipe is not read, and the command waits as it would
/// without us.
class OutputStream {
 public:
  /// `from` is non-blocking, or closed where there is no such stream; `to` stays as it was given to us, for
  /// it may be shared with others.
  OutputStream(Descriptor from, int to);

  bool WantsRead() const { return from_.Open() && !Pending(); }
  bool WantsWrite() const { return Pending(); }
  int From() const { return from_.Get(); }
  int To() const { return to_; }

  /// Reads what is there, once, and returns it; empty at the end or where there is nothing. Valid until the
  /// next call. Call only when WantsRead().
  std::string_view Read();

  /// Writes what can be written without waiting. Once nobody reads ours any more, output is dropped: a build
  /// does not fail because its reader has gone. What cannot be written for another reason, such as a full
  /// disk, is lost alone, and a line says so as soon as there is room again.
  void Write();
  /// Tries again to write what is our own and was refused. To be called now and then.
  void Retry();

  /// Puts one line of our own behind what was read so far, on a line of its own.
  void Inject(std::string_view line);

  /// Nobody is left who could write: when the pipe is empty, that is the end.
  void ExpectNoMore() { expect_more_ = false; }
  /// All who could write have closed their end.
  bool Ended() const { return !from_.Open(); }
  bool Finished() const { return Ended() && !Pending(); }

  /// What was lost so far, and why the last of it was; those who left without reading do not count.
  uint64_t LostBytes() const { return lost_; }
  int LostReason() const { return lost_reason_; }

 private:
  enum class Written { Some, Later, Refused };
  bool Pending() const { return begin_ < end_ || (!injected_.empty() && !refused_); }
  /// Puts what is there into ours without copying it, and returns how much; it still is to be read. 0 where
  /// that cannot be done.
  size_t Share();
  Written WriteSome(const char* bytes, size_t size, size_t& written);
  bool Writable() const;
  void TellLoss();

  Descriptor from_;
  int to_;
  size_t at_once_;  // so much can be written without waiting, when poll() says that there is room
  bool shares_ = true;
  bool broken_ = false;
  bool refused_ = false;  // the last try to write `injected_`
  uint64_t lost_ = 0;
  uint64_t lost_told_ = 0;  // the part of lost_ of which a line was put into `injected_`
  int lost_reason_ = 0;
  bool expect_more_ = true;
  char last_byte_ = '\n';
  size_t begin_ = 0;
  size_t end_ = 0;
  std::string injected_;
  std::array<char, size_t{64} * 1024> buffer_;
};

}  // namespace imagebatch::runner
