// SPDX-License-Identifier: Apache-2.0
// What is asked of a dataset file beyond its checksums, which anyone can compute: that its numbers
// are possible, agree with each other, and with the arrays that they describe. Everything here
// throws an InputError, "PATH is damaged: ...", at the first that is not.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/dataset_file.hpp"
#include "data/id_map.hpp"
#include "io/checksummed_header.hpp"
#include "io/hdf5_file.hpp"
#include "siren/ids.hpp"

namespace siren::inline data {

/// An attribute of the root group from `low` to `high`.
std::int64_t whole_number_in(const Hdf5File& file, const char* name, std::int64_t low,
                             std::int64_t high);
/// An attribute that fp32 can hold.
float real_number_in(const Hdf5File& file, const char* name);

void check_length(const Hdf5File& file, const char* array, std::int64_t expected);

/// The arrays that grow with the data have the lengths that the counts ask for: from here on the
/// size of the file vouches for users, items and ratings.
void check_counts(const Hdf5File& file, const DatasetSummary& summary);

/// What the header has checksums of is what HDF5 will read.
void check_places(const Hdf5File& file, std::span<const ChecksummedExtent> extents);

void check_statistics(const DatasetSummary& summary, const std::string& path);

/// Offsets of keys [begin, ...) of `keys` into `ratings` ratings.
void check_offsets(std::span<const EdgeOffset> at, std::int64_t begin, std::int64_t keys,
                   EdgeOffset ratings, const char* array, const std::string& path);

/// Indices below `count`.
void check_indices(std::span<const std::int32_t> ids, std::int64_t count, const char* array,
                   const std::string& path);
/// Within the extremes and the parts that the file declares.
void check_values(std::span<const float> values, std::span<const std::uint8_t> parts,
                  const DatasetSummary& summary, const std::string& path);
/// Ratings of each user ascend by (item, part); `at` begins with the first of `slab`.
void check_order(const RatingSlab& slab, std::span<const EdgeOffset> at, const std::string& path);

/// Sorted, as look-ups believe, and distinct.
void check_sorted(const IdTable& ids, const char* array, const std::string& path);

}  // namespace siren::inline data
