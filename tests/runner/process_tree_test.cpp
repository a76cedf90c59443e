#include "runner/proc/process_tree.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/run.h"

namespace imagebatch::runner {
namespace {

class Child {
 public:
  explicit Child(void (*run)()) : pid_(fork()) {
    if (pid_ == 0) {
      run();
      _exit(0);
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_;
};

void Spin() {
  const volatile bool for_ever = true;
  while (for_ever) {
  }
}

void Sleep() {
  for (;;) pause();
}

TEST(ProcessTree, SeesWhoStandsReadyToRunTwiceInARow) {
  ProcessTree tree;
  const Child spinner(Spin);
  tree.Walk();
  EXPECT_FALSE(tree.Totals().starved) << "it was not there before";
  EXPECT_TRUE(Await([&] {
    tree.Walk();
    return tree.Totals().starved;
  }));
}

TEST(ProcessTree, DoesNotTakeASleeperForOneWhoIsReady) {
  ProcessTree tree;
  const Child sleeper(Sleep);
  EXPECT_TRUE(Await([&] {
    tree.Walk();
    return tree.Processes().size() == 1 && tree.Processes()[0].state == 'S';
  }));
  tree.Walk();
  EXPECT_FALSE(tree.Totals().starved);
}

}  // namespace
}  // namespace imagebatch::runner
