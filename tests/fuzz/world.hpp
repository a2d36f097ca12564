// SPDX-License-Identifier: Apache-2.0
// A small data set and a model of it, made once for the targets that damage such files.
#pragma once

#include <string>
#include <vector>

#include "train/session.hpp"

namespace siren::fuzz {

/// Three folds, times, a validation share; ids of users are numbers, of items words.
const std::string& good_dataset();

/// What a training of it is configured by.
DataConfig data_config(const std::string& path);
TrainConfig train_config();

/// The path of a checkpoint of a model of it, with block hashes beside it.
const std::string& good_checkpoint();

}  // namespace siren::fuzz
