// SPDX-License-Identifier: Apache-2.0
// Which rank reads what of the input: the files one behind the other are cut into as many stretches
// as there are ranks, so that rank order is the order of the input. Plain files may be cut anywhere;
// compressed ones and pipes belong to the rank in whose stretch they begin.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "ingest/ratings_format.hpp"
#include "ingest/ratings_reader.hpp"
#include "siren/communicator.hpp"

namespace siren::inline ingest {

inline constexpr std::int64_t kEndOfFile = std::numeric_limits<std::int64_t>::max();

/// Of one file, the records that begin at its bytes [begin, end).
struct InputPart {
  std::size_t file = 0;
  std::int64_t begin = 0;
  std::int64_t end = kEndOfFile;

  bool begins_file() const { return begin == 0; }
  bool ends_file() const { return end == kEndOfFile; }
};

/// A file as far as its share depends on it.
struct InputFile {
  std::int64_t bytes = 0;  // as text, roughly where it is compressed
  bool divisible = false;
};

/// The parts that rank `rank` of `ranks` reads, in order. A rank has `least_bytes` or more, so that
/// small inputs are read by fewer.
std::vector<InputPart> parts_of(std::span<const InputFile> files, int rank, int ranks,
                                std::int64_t least_bytes);

/// Collective. This rank's parts of the files `paths`, each beginning with a record: where a part
/// begins within a file, readers look for the next record, and past line ends in quotes: with quotes
/// in such files they read their parts twice for it, else once. A file that is wrong from its head on
/// is left to those who read it.
std::vector<InputPart> share_input(const Communicator& comm, std::span<const std::string> paths,
                                   const RatingsFormat& format, std::int64_t least_bytes);

}  // namespace siren::inline ingest
