// SPDX-License-Identifier: Apache-2.0
// Several ratings files as one table.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/id_map.hpp"
#include "data/rating_table.hpp"
#include "ingest/ratings_format.hpp"

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
  RatingTable ratings;  // in the order of files and lines; final indices
  IdTable users;
  IdTable items;
  std::vector<FileReport> files;
};

/// Reads the files in order. InputError for the first thing wrong with one of them, if some have
/// times and others not, or if a first column that nobody named seems to number the lines.
LoadedRatings load_ratings(const std::vector<RatingsSource>& sources, const RatingsFormat& format);

/// "a.csv:3 and a.csv:17": the first two ratings that `user` gave to `item`, or nothing if the
/// files cannot be read again. Only ratings of one part are compared if `within_part`.
std::string locate_pair(const std::vector<RatingsSource>& sources, const RatingsFormat& format,
                        std::string_view user, std::string_view item, bool within_part);

}  // namespace siren::inline ingest
