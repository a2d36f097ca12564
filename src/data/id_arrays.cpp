// SPDX-License-Identifier: Apache-2.0
#include "data/id_arrays.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "io/hdf5_checks.hpp"

namespace siren::inline data {

void check_id_offsets(const Hdf5File& file, const IdArrays& arrays,
                      std::span<const std::int64_t> at, bool first, bool last) {
  const std::int64_t bytes = file.length_of(arrays.bytes);
  if (at.empty() || !std::is_sorted(at.begin(), at.end()) || at.front() < 0 || at.back() > bytes ||
      (first && at.front() != 0) || (last && at.back() != bytes))
    damaged(file.path(), fmt::format("{} do not divide the {} bytes of {}", arrays.offsets, bytes,
                                     arrays.bytes));
}

std::vector<std::string> read_ids(const Hdf5File& file, const IdArrays& arrays, std::int64_t begin,
                                  std::int64_t end) {
  const std::vector<std::int64_t> at = file.read<std::int64_t>(arrays.offsets, begin, end + 1);
  check_id_offsets(file, arrays, at, begin == 0, false);
  const std::vector<char> text = file.read<char>(arrays.bytes, at.front(), at.back());
  std::vector<std::string> ids;
  ids.reserve(at.size() - 1);
  for (std::size_t id = 0; id + 1 < at.size(); ++id)
    ids.emplace_back(text.begin() + (at[id] - at.front()),
                     text.begin() + (at[id + 1] - at.front()));
  return ids;
}

}  // namespace siren::inline data
