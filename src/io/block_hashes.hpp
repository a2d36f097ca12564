// SPDX-License-Identifier: Apache-2.0
// Hashes of a file, block by block, in a text file beside it (format: data/README.md, "The
// checkpoint"): damage anywhere is found, and placed, without parsing the file.
//
// Both calls are collective, each rank reads its share of the blocks; a failure is the same on
// every rank.
#pragma once

#include <cstdint>
#include <string>

#include "siren/communicator.hpp"

namespace siren::inline io {

inline constexpr std::int64_t kHashBlockBytes = std::int64_t{4} << 20;

/// Where the hashes of `path`, or of what this link points to, are kept.
std::string block_hashes_path(const std::string& path);

/// Reads the file `path`, which must be closed, and writes its hashes to the file `hashes`,
/// flushed to disk. EnvironmentError if that fails; a part of `hashes` may then remain.
void write_block_hashes(const Communicator& comm, const std::string& path,
                        const std::string& hashes);

/// InputError, one sentence with the file and what is wrong with it, unless `path` is exactly what
/// block_hashes_path(path) says: missing, empty, shortened, damaged (which bytes), or without
/// readable hashes.
void verify_block_hashes(const Communicator& comm, const std::string& path);

}  // namespace siren::inline io
