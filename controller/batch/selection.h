#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "batch/rows.h"
#include "batch/types.h"

namespace imagebatch::batch {

/// `size` different numbers below `count`, or all of them where there are no more, in the order that
/// numpy.random.RandomState(seed).choice(count, size, replace=False) gives them. So the rows of a sample are
/// those of pandas' sample(n=size, random_state=seed), which takes its numbers from there.
std::vector<uint32_t> Sample(uint32_t count, size_t size, uint32_t seed);

/// The indexes of the rows that have one of these names, in the order of the rows; a name may stand there
/// twice. The error is the names that no row has, each once, in their order. All rows have names.
tl::expected<std::vector<uint32_t>, std::vector<std::string_view>> FindNamed(
    const Rows& rows, const std::vector<std::string>& names);

}  // namespace imagebatch::batch
