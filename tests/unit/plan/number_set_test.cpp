#include "plan/number_set.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace imagebatch::plan {
namespace {

TEST(NumberSet, IsASetWhoseSmallestIsFirst) {
  for (const uint32_t bound : {1U, 64U, 65U, 4096U, 100'000U}) {
    std::mt19937 random(bound);
    std::set<uint32_t> expected;
    NumberSet numbers(bound);
    for (int step = 0; step < 5000; ++step) {
      const auto number = static_cast<uint32_t>(random() % bound);
      if (random() % 2 == 0) {
        numbers.Insert(number);
        expected.insert(number);
      } else {
        const uint32_t erased = expected.empty() || random() % 2 == 0 ? number : *expected.begin();
        numbers.Erase(erased);
        expected.erase(erased);
      }
      ASSERT_EQ(numbers.Empty(), expected.empty());
      if (expected.empty()) continue;
      ASSERT_EQ(numbers.First(), *expected.begin());
    }
  }
}

}  // namespace
}  // namespace imagebatch::plan
