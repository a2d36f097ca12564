// SPDX-License-Identifier: Apache-2.0
// A new training that begins with the rows of an old one: the same users and items are recognised
// by their original ids, whatever their numbers were and whichever rank holds them now.
#pragma once

#include <cstdint>
#include <string>

#include "data/dataset_file.hpp"
#include "distributed/layout.hpp"
#include "siren/communicator.hpp"
#include "train/training.hpp"

namespace siren::inline train {

/// Over all ranks.
struct WarmStart {
  std::int64_t known_users = 0;  // that took over the rows of the checkpoint
  std::int64_t known_items = 0;
  std::int64_t forgotten_users = 0;  // of the checkpoint, not in this data set
  std::int64_t forgotten_items = 0;
};

/// Collective. Overwrites the parameters of `training` by those of a checkpoint of any data set;
/// users and items it does not know keep their initial rows, and moments stay zero. What it has not
/// of item biases and polarity stays as it begins: other cuts make another theta, and rows of
/// polarity mean something only under the layers that they were learnt with. InputError if the file
/// is damaged, holds no ids, or another shape of model.
WarmStart start_from(const Communicator& comm, const std::string& checkpoint,
                     const DatasetFile& dataset, const Layout& layout, Training& training);

}  // namespace siren::inline train
