// SPDX-License-Identifier: Apache-2.0
// Several ratings files as one table, read by all ranks: each has a stretch of the input, in rank
// order (ingest/input_share.hpp).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/id_share.hpp"
#include "data/rating_table.hpp"
#include "ingest/ratings_format.hpp"
#include "siren/communicator.hpp"

namespace siren::inline ingest {

/// One input file and the part its ratings belong to.
struct RatingsSource {
  std::string path;
  std::uint8_t part = 0;
};

/// One input file as it was understood.
struct FileReport {
  std::string path;
  TextFormat format = TextFormat::kAuto;
  EdgeOffset ratings = 0;
  std::string columns;      // ColumnNotes: what they were taken for,
  std::string unread_time;  // how to read times that are there, and
  std::string doubt;        // a sentence about what else they may be; or nothing
};

struct LoadedRatings {
  RatingTable ratings;  // of this rank, in the order of files and lines; final indices
  bool timed = false;   // also where this rank has no rating
  IdShare users;
  IdShare items;
  std::vector<FileReport> files;
};

/// Bytes that a rank reads at least: less is not worth a second reader.
inline constexpr std::int64_t kLeastBytesPerRank = std::int64_t{1} << 20;

/// Collective. Reads the files in order. InputError for the first thing wrong with one of them, if
/// some have times and others not, or if a first column that nobody named seems to number the
/// lines. A rank that finds something wrong says so when all have read their parts.
LoadedRatings load_ratings(const Communicator& comm, const std::vector<RatingsSource>& sources,
                           const RatingsFormat& format,
                           std::int64_t least_bytes = kLeastBytesPerRank);

/// "a.csv:3 and a.csv:17": the first two ratings that `user` gave to `item`, or nothing if the
/// files cannot be read again. Only ratings of one part are compared if `within_part`.
std::string locate_pair(const std::vector<RatingsSource>& sources, const RatingsFormat& format,
                        std::string_view user, std::string_view item, bool within_part);

}  // namespace siren::inline ingest
