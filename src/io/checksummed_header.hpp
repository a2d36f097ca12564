// SPDX-License-Identifier: Apache-2.0
// The checksummed header of a dataset file: its first kHeaderBytes bytes (the user block of the HDF5 file behind
// them). It tells what the file is and holds checksums of everything in it, so that a damaged file
// is found out before HDF5 parses it. Byte layout: data/README.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/hdf5_file.hpp"

namespace siren::inline io {

inline constexpr std::int64_t kHeaderBytes = 4096;

/// A stretch of the file with its own checksum, e.g. the contents of one HDF5 dataset.
struct ChecksummedExtent {
  std::string name;  // at most 39 bytes
  FileExtent extent;
  std::uint64_t hash = 0;  // XXH3 64
};

/// Fills the header of a closed file whose first kHeaderBytes are free. The hashes of `extents` are
/// computed here; what lies outside them (HDF5's own structures) gets one common checksum.
void write_header(const std::string& path, std::uint32_t version,
                  std::vector<ChecksummedExtent> extents);

/// True if the file exists and begins with such a header, of any version.
bool has_header(const std::string& path);

/// Checks everything but the contents of the extents, and returns these. InputError, naming the
/// file, if it is missing, not a dataset file, newer than `version`, truncated or damaged.
std::vector<ChecksummedExtent> check_header(const std::string& path, std::uint32_t version);

/// Compares the contents with their checksums; InputError naming the first damaged one.
void check_extents(const std::string& path, const std::vector<ChecksummedExtent>& extents);

}  // namespace siren::inline io
