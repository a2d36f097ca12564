// SPDX-License-Identifier: Apache-2.0
// What `siren synth --like` takes from a dataset file: its sizes, its distributions of degrees and
// its share of dislikes.
#pragma once

#include "data/dataset_file.hpp"
#include "ingest/degree_profile.hpp"

namespace siren::inline ingest {

struct SynthProfile {
  std::int64_t users = 0;
  std::int64_t items = 0;
  std::int64_t ratings = 0;
  double dislike_share = 0.0;  // of the ratings that are not at the file's offset
  DegreeClasses user_degrees;  // of all parts together
  DegreeClasses item_degrees;
};

/// One pass over the ratings, in memory O(items) and a window of ratings. InputError if the file is
/// damaged; stops between windows where a signal asks for it.
SynthProfile profile_of(const DatasetFile& file);

}  // namespace siren::inline ingest
