// SPDX-License-Identifier: Apache-2.0
// The seal of a dataset file: its first kSealBytes bytes (the user block of the HDF5 file behind
// them). It tells what the file is and holds checksums of everything in it, so that a damaged file
// is found out before HDF5 parses it. Byte layout: data/README.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/hdf5_file.hpp"

namespace siren::inline io {

inline constexpr std::int64_t kSealBytes = 4096;

/// A stretch of the file with its own checksum, e.g. the contents of one HDF5 dataset.
struct SealedExtent {
  std::string name;  // at most 39 bytes
  FileExtent extent;
  std::uint64_t hash = 0;  // XXH3 64
};

/// Fills the seal of a closed file whose first kSealBytes are free. The hashes of `extents` are
/// computed here; what lies outside them (HDF5's own structures) gets one common checksum.
void write_seal(const std::string& path, std::uint32_t version, std::vector<SealedExtent> extents);

/// True if the file exists and begins like a sealed one, of any version.
bool has_seal(const std::string& path);

/// Checks everything but the contents of the extents, and returns these. InputError, naming the
/// file, if it is missing, not a dataset file, newer than `version`, truncated or damaged.
std::vector<SealedExtent> check_seal(const std::string& path, std::uint32_t version);

/// Compares the contents with their checksums; InputError naming the first damaged one.
void check_extents(const std::string& path, const std::vector<SealedExtent>& extents);

}  // namespace siren::inline io
