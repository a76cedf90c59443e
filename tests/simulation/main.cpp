#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>

#include "log/log.h"
#include "simulation/simulation.h"

namespace {

constexpr const char* kUsage =
    "simulation [--seeds N] [--from SEED]    runs N seeds (default 1000)\n"
    "simulation --seed SEED                  runs one seed and prints what happens\n"
    "simulation ... --expect-violation       succeeds if a rule is broken (for plans with a bug put in)\n";

/// One line for each broken rule; the last line is the count.
int RunSeeds(uint64_t from, uint64_t count, bool print, bool expect_violation) {
  using imagebatch::simulation::Simulation;
  Simulation::Tally tally;
  uint64_t passed = 0;
  uint64_t failed = 0;
  for (uint64_t seed = from; seed < from + count; ++seed) {
    Simulation simulation(seed, print);
    try {
      simulation.Run();
      ++passed;
    } catch (const imagebatch::simulation::Violation& violation) {
      ++failed;
      std::cout << "seed " << seed << ": " << violation.what << "\n";
      if (expect_violation) {
        std::cout << "the bug was found by seed " << seed << ", number " << seed - from + 1 << " of " << count
                  << "\n";
        return EXIT_SUCCESS;
      }
    }
    tally.Add(simulation.tally());
  }
  std::cout << tally.jobs << " Jobs, " << tally.events << " events, " << tally.requests << " requests, "
            << tally.lost_replies << " lost replies, " << tally.kills << " kills, " << tally.relists
            << " lists, " << tally.deletions << " deletions by hand, " << tally.hangs_seen << " hangs and "
            << tally.stalls_seen << " stalls shown, " << tally.hangs_ended
            << " hangs ended with their evidence stored, " << tally.ended << " stalls ended, "
            << tally.strangers << " strangers, " << tally.blows << " deletions of everything, "
            << tally.rows_lost << " losses of the rows, " << tally.skipped << " skipped, " << tally.reruns
            << " reruns, " << tally.shutdowns << " shutdowns\n"
            << "seeds: " << passed << " passed, " << failed << " failed\n";
  return (failed > 0) == expect_violation ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t from = 1;
  uint64_t count = 1000;
  bool print = false;
  bool expect_violation = false;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    const auto number = [&]() -> uint64_t {
      return i + 1 < argc ? std::strtoull(argv[++i], nullptr, 10) : 0;
    };
    if (flag == "--seeds") {
      count = number();
    } else if (flag == "--from") {
      from = number();
    } else if (flag == "--seed") {
      from = number();
      count = 1;
      print = true;
    } else if (flag == "--expect-violation") {
      expect_violation = true;
    } else {
      std::cerr << kUsage;
      return 2;
    }
  }
  imagebatch::log::Begin("off");
  try {
    return RunSeeds(from, count, print, expect_violation);
  } catch (const std::exception& error) {
    std::cerr << "the simulation itself failed: " << error.what() << "\n";
    return EXIT_FAILURE;
  }
}
