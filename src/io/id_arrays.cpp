// SPDX-License-Identifier: Apache-2.0
#include "siren/io/id_arrays.hpp"

namespace siren {

std::vector<std::string> read_ids(const Hdf5File& file,
                                  const IdArrays& arrays,
                                  std::int64_t begin,
                                  std::int64_t end) {
  const std::vector<std::int64_t> at = file.read<std::int64_t>(arrays.offsets, begin, end + 1);
  const std::vector<char> text = file.read<char>(arrays.bytes, at.front(), at.back());
  std::vector<std::string> ids;
  ids.reserve(at.size() - 1);
  for (std::size_t id = 0; id + 1 < at.size(); ++id)
    ids.emplace_back(text.begin() + (at[id] - at.front()),
                     text.begin() + (at[id + 1] - at.front()));
  return ids;
}

}  // namespace siren
