// SPDX-License-Identifier: Apache-2.0
// A small data set for the tests of this folder.
#pragma once

#include <string>

#include "data/dataset_writer.hpp"
#include "ingest/prepare.hpp"
#include "support/temp_folder.hpp"

namespace siren::test {

/// Users 9, 10, 11; items a, b, c; two folds; times.
inline PreparedDataset small_dataset(const TempFolder& folder) {
  PrepareConfig config;
  config.fold_files = {folder.write("1.dat", "10::b::5::70\n9::a::1::71\n9::c::3.5::72\n"),
                       folder.write("2.dat", "10::a::4::73\n11::b::2::74\n")};
  config.valid_share = 0.25;
  config.seed = 3;
  return prepare_dataset(config);
}

inline DatasetContent content_of(const PreparedDataset& data) {
  return {data.ratings, data.users,        data.items,       data.statistics,
          data.split,   data.split_method, "siren prepare x"};
}

/// Writes the small data set and returns its path.
inline std::string small_file(const TempFolder& folder) {
  const PreparedDataset data = small_dataset(folder);
  write_dataset(folder.path("d.h5"), content_of(data));
  return folder.path("d.h5");
}

}  // namespace siren::test
