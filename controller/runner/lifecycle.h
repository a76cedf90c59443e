#pragma once
#include <cstdint>
#include <optional>

#include "hang/verdict.h"

namespace imagebatch::runner {

/// How the life of a command and of all that it starts ends: in which stage it is, what is due next, and
/// when. Pure: told what happens, it says what is to be sent to the whole tree. Stages only go forward.
///
///   Running ──> Asking ──┐         the command hung and is to be ended; stacks are being printed
///      │          │      v
///      └──> Leftovers ─> Terminating ─> Killing       again and again, for processes may be born meanwhile
///
/// From the first SIGTERM on, all of the end has one grace, whatever stages it passes.
class Lifecycle {
 public:
  enum class Stage : uint8_t {
    Running,
    Asking,       // it hung: its stacks have been asked for
    Leftovers,    // the command has ended, and something that it left may still run
    Terminating,  // all have been told to end
    Killing,
  };
  enum class Order : uint8_t { None, Terminate, Kill };

  explicit Lifecycle(hang::Duration grace) : grace_(grace) {}

  /// The runner was told to end by SIGTERM.
  void OnTerminate(hang::TimePoint now);
  /// The runner was sent a signal that ends a program, SIGTERM included, and the command has ended already:
  /// what it left is ended too.
  void OnEndingSignal(hang::TimePoint now);
  /// The runner's guard is gone: as in a container whose process 1 is killed.
  void OnGuardGone(hang::TimePoint now);
  /// It hung, and is to be ended: now, or when WaitForStacks says.
  void OnHung(hang::TimePoint now);
  void WaitForStacks(hang::TimePoint until);
  void OnCommandEnded(hang::TimePoint now);
  /// No descendant is left.
  void OnNobodyLeft() { anybody_left_ = false; }

  /// The order that is due, if one is; to be called until there is none. `output_held`: somebody holds the
  /// command's output open.
  Order Due(hang::TimePoint now, bool output_held);
  /// When to call Due again, if nothing happens.
  std::optional<hang::TimePoint> Next() const;

  Stage stage() const { return stage_; }
  /// It was ended because it hung.
  bool hung() const { return hung_; }
  /// The end. `output_done`: all of the output has been passed on. True too where something does not die (an
  /// uninterruptible wait, another user's process) and enough has been tried.
  bool Over(hang::TimePoint now, bool output_done) const;

 private:
  bool Ending() const { return stage_ == Stage::Terminating || stage_ == Stage::Killing; }
  void Terminate(hang::TimePoint now);
  void Kill(hang::TimePoint now);

  const hang::Duration grace_;
  Stage stage_ = Stage::Running;
  hang::TimePoint until_{};                 // when the stage is over, but for Running
  std::optional<hang::TimePoint> kill_at_;  // after a SIGTERM
  hang::TimePoint give_up_{};               // once it is Ending
  bool command_ended_ = false, anybody_left_ = true, hung_ = false, told_to_end_ = false;
  bool terminate_ = false;  // the order is yet to be given
};

}  // namespace imagebatch::runner
