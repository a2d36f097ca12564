// SPDX-License-Identifier: Apache-2.0
// An HDF5 file of `siren export` (ranking/embedding_export.hpp), read back: for lists without the
// run that it was made from, and to say what is in it. Nothing in it is believed unchecked.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/dataset_file.hpp"
#include "data/training_set.hpp"
#include "distributed/layout.hpp"
#include "distributed/loader.hpp"
#include "io/hdf5_file.hpp"
#include "io/plain_file.hpp"
#include "model/embeddings.hpp"
#include "siren/communicator.hpp"

namespace siren::inline ranking {

class EmbeddingFile {
 public:
  /// InputError if there is no such file, or not what export_embeddings() makes.
  explicit EmbeddingFile(const std::string& path);

  const std::string& path() const { return file_.path(); }
  const Hdf5File& contents() const { return file_; }
  std::int64_t version() const { return version_; }
  std::int64_t users() const { return users_; }
  std::int64_t items() const { return items_; }
  std::int64_t dimension() const { return dimension_; }  // all columns
  const FinalColumns& columns() const { return columns_; }
  double lambda() const { return lambda_; }
  double hold_out() const { return hold_out_; }
  std::uint32_t seed() const { return seed_; }
  /// Whether Zp and Zn are there, too.
  bool has_branches() const { return file_.exists("users/zp"); }
  std::string dataset_hash() const { return file_.short_attribute("dataset_hash"); }

  /// Whether it holds what lists need, which version 1 does not; InputError unless it does.
  bool serves_lists() const { return version_ >= 2; }
  void require_for_lists() const;
  /// InputError if they are of another data set.
  void require_of(const DatasetSummary& data) const;
  /// Collective. InputError unless all ranks have opened the same file.
  void require_same(const Communicator& comm) const;
  /// What the model was trained on: the fold that was left out, and the rating between likes and
  /// dislikes. Version 2.
  std::int32_t fold() const;
  float offset() const;

  /// Of the train part. Version 2. InputError if they cannot be counts.
  ItemCounts counts() const;
  /// InputError unless counts() are those of `train`.
  void require_counts_of(const TrainingSet& train) const;
  /// Rows of Z of the owned users and items, in the order of `layout`. InputError if a value is not
  /// finite, or if the file has changed since it was opened.
  NodeTables read(const Layout& layout) const;

 private:
  std::int64_t count(const char* attribute, std::int64_t most, std::int64_t least = 1) const;
  double real(const char* attribute, double most) const;
  void read_columns();
  void check_table(const std::string& table, std::int64_t rows) const;
  std::vector<std::int32_t> counts(const char* array) const;
  Matrix<float> rows(const char* table, std::span<const std::int32_t> owned) const;

  Hdf5File file_;
  FileState opened_;
  std::int64_t version_ = 0;
  std::int64_t users_ = 0;
  std::int64_t items_ = 0;
  std::int64_t dimension_ = 0;
  FinalColumns columns_;  // version 3
  double lambda_ = 0.0;   // likewise, and the two below
  double hold_out_ = 0.0;
  std::uint32_t seed_ = 1;
};

}  // namespace siren::inline ranking
