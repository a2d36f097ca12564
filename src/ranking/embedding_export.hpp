// SPDX-License-Identifier: Apache-2.0
// Final representations and original ids in files that other programs read (formats:
// data/README.md). All ranks write together; the bytes do not depend on their number.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "data/dataset_file.hpp"
#include "data/training_set.hpp"
#include "distributed/layout.hpp"
#include "model/embeddings.hpp"
#include "siren/communicator.hpp"
#include "siren/config.hpp"
#include "siren/named_enum.hpp"

namespace siren::inline ranking {

/// Version 3 is version 2 with columns of bias or polarity behind those of the embedding, or of a
/// run that held ratings out of train.
inline constexpr std::int64_t kEmbeddingFormatVersion = 3;

/// Attributes of version 3: how many columns of each kind, the lambda of scores, and what was held
/// out of train by which seed.
inline constexpr const char* kBiasColumns = "bias_columns";
inline constexpr const char* kPolarityColumns = "polarity_columns";
inline constexpr const char* kLambda = "lambda";
inline constexpr const char* kHoldOut = "hold_out";
inline constexpr const char* kSeed = "seed";

/// Arrays of version 2: train ratings of each item, and the liked ones among them.
inline constexpr const char* kItemRatings = "train/item_degree";
inline constexpr const char* kItemLikes = "train/item_likes";

/// kNpy is a directory with an array and a list of ids for each side; kWord2vec a text with one
/// table.
enum class ExportFormat { kHdf5, kNpy, kWord2vec };
constexpr std::array<std::string_view, 3> enum_names(ExportFormat) {
  return {"hdf5", "npy", "word2vec"};
}

/// Which table goes into a text: Z, Zp or Zn.
enum class ExportTable { kFinal, kLiked, kDisliked };
constexpr std::array<std::string_view, 3> enum_names(ExportTable) {
  return {"final", "liked", "disliked"};
}

/// Borrowed. The owned users and items must be consecutive and ascend with the rank (partition
/// `block`).
struct ExportSource {
  const Layout& layout;
  const DatasetFile& dataset;
  const TrainingSet& train;
  const Embeddings& embeddings;  // Branches::kAll
  std::int32_t fold;             // that did not train
  float offset;
  ModelKind model;
  std::int64_t step = 0;  // of the checkpoint
  double lambda = 0.0;    // of a factored model
  double hold_out = 0.0;  // share of train, drawn by `seed`
  std::uint32_t seed = 1;
};

/// Collective. `table` matters to kWord2vec only. InputError if the place cannot be written, the
/// model has no such table, or an id does not fit the format (a line break; for kWord2vec a blank).
void export_embeddings(const Communicator& comm, const ExportSource& source,
                       const std::string& path, ExportFormat format, ExportTable table);

}  // namespace siren::inline ranking
