// The lock of a batch's directory, with real processes.
#include "local/run_lock.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "local/child.h"
#include "support/temporary_directory.h"

namespace imagebatch::local {
namespace {

using ::testing::HasSubstr;

class RunLockTest : public ::testing::Test {
 protected:
  Result<RunLock> Take() {
    return RunLock::Take(path_, Time{}, [this](const std::string& text) { told_ += text; });
  }
  imagebatch::testing::TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_.path() / "lock";
  std::string told_;
};

TEST_F(RunLockTest, IsFreeAgainOnceItsOwnerIsGone) {
  { ASSERT_TRUE(Take()); }
  EXPECT_TRUE(Take());
}

TEST_F(RunLockTest, ASecondRunIsToldWhoHasIt) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t owner = fork();
  if (owner == 0) {
    const auto lock = Take();
    [[maybe_unused]] const ssize_t written = write(ready[1], lock ? "y" : "n", 1);
    pause();
    _exit(0);
  }
  char word = 0;
  ASSERT_EQ(read(ready[0], &word, 1), 1);
  const auto second = Take();
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("is in use: process " + std::to_string(owner)));
  EXPECT_EQ(kill(owner, 0), 0) << "nothing was done to it";
  kill(owner, SIGKILL);
  waitpid(owner, nullptr, 0);
  EXPECT_TRUE(Take());
}

TEST_F(RunLockTest, WhatAKilledRunLeftIsKilledFirst) {
  // A run that starts a build and dies by itself alone: the build's own parent is not there to end it
  const pid_t run = fork();
  if (run == 0) {
    const auto lock = Take();
    const Descriptor output(open("/dev/null", O_WRONLY | O_CLOEXEC));
    const auto build = StartChild({{"/bin/sh", "-c", "setsid sleep 1000 & exec sleep 1000"},
                                   {"PATH=/usr/bin:/bin"},
                                   "",
                                   output.Get(),
                                   lock ? lock->Inherited() : -1});
    _exit(build ? 0 : 1);
  }
  int status = 0;
  waitpid(run, &status, 0);
  ASSERT_EQ(status, 0);
  const auto lock = Take();
  ASSERT_TRUE(lock) << lock.error().message;
  const int other = open(path_.c_str(), O_RDWR | O_CLOEXEC);
  EXPECT_NE(flock(other, LOCK_EX | LOCK_NB), 0) << "it is ours alone";
  close(other);
}

}  // namespace
}  // namespace imagebatch::local
