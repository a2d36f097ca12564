// SPDX-License-Identifier: Apache-2.0
// Original ids in an HDF5 file: one dataset with all bytes, one with where each id begins (HDF5
// cannot write texts of variable length in parallel).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "io/hdf5_file.hpp"

namespace siren::inline data {

/// Names of the two datasets.
struct IdArrays {
  const char* bytes;    // uint8, without separators
  const char* offsets;  // int64 [ids + 1]; id k is bytes[offsets[k] .. offsets[k + 1])
};

/// InputError unless the offsets `at` ascend within the bytes; `first` of them is that of id 0,
/// `last` of them ends the last id.
void check_id_offsets(const Hdf5File& file, const IdArrays& arrays,
                      std::span<const std::int64_t> at, bool first, bool last);

/// Ids [begin, end). InputError if their offsets make no sense.
std::vector<std::string> read_ids(const Hdf5File& file, const IdArrays& arrays, std::int64_t begin,
                                  std::int64_t end);

}  // namespace siren::inline data
