// SPDX-License-Identifier: Apache-2.0
// Everything a command needs to train or evaluate a model, put together from the configuration.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset_file.hpp"
#include "distributed/loader.hpp"
#include "ranking/embedding_file.hpp"
#include "ranking/evaluator.hpp"
#include "siren/communicator.hpp"
#include "siren/config.hpp"
#include "train/checkpoint.hpp"
#include "train/final_rows.hpp"
#include "train/held_ids.hpp"
#include "train/node_memory.hpp"
#include "train/run_progress.hpp"
#include "train/scoring_model.hpp"
#include "train/training.hpp"
#include "train/warm_start.hpp"

namespace siren::inline train {

/// That a session makes lists: by a stored model, of whose final rows (train/final_rows.hpp) it makes
/// use if they are there, or by exported embeddings.
struct ListPlan {
  std::string checkpoint;
  const EmbeddingFile* embeddings = nullptr;  // instead of a checkpoint; borrowed
  /// The users (ascending, global) whose ratings are needed, the same on every rank; collective.
  /// Empty: all users.
  std::function<std::vector<UserId>(const DatasetFile&)> users;
};

/// Owns its parts, which refer to each other: neither copied nor moved.
class Session {
 public:
  /// Collective. Reads the data set and distributes it; for `plan` no more than its lists need, if
  /// there are final rows. InputError on all ranks alike.
  Session(const Communicator& comm, const DataConfig& data, const TrainConfig& config,
          const ListPlan* plan = nullptr);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Collective. The model with its initial values. InputError if a node's memory is too little.
  Training& start_training();
  /// Likewise, as one of several runs in a job.
  Training& start_training(const NodeMemory& node);

  /// Collective. Continues behind a checkpoint of the same data set and model, made by any number
  /// of ranks. InputError if it is of another data set or does not fit.
  RunProgress resume(const std::string& checkpoint);

  /// Collective. Begins with the parameters of a checkpoint of any data set (train/warm_start.hpp).
  WarmStart start_from(const std::string& checkpoint);

  /// Collective. The final representations by a checkpoint of the same data set, without a training:
  /// train/scoring_model.hpp. InputError if the checkpoint is damaged or of another data set.
  /// Z alone is read where the checkpoint has final rows.
  Embeddings embed(const std::string& checkpoint, Branches branches);
  /// Collective. Z of the plan that the session was made for.
  NodeTables embed(const ListPlan& plan);

  /// Collective. Ends the training and keeps the final rows of this checkpoint for lists; those of
  /// others in its directory go. A failure is a warning: the run itself is safe.
  void keep_final_rows(const std::string& checkpoint);

  /// Collective. Overwrites the model's parameters by those of a checkpoint of the same data set
  /// (moments stay as they are: for evaluating, not for training on).
  void load_parameters(const std::string& checkpoint);

  /// Collective. Whether `split` ("valid" or "test") has ratings to evaluate on in this fold.
  bool has_split(const std::string& split) const;
  /// InputError if all ratings of the test part are also in train. Without a test part nothing is
  /// wrong: a final model is trained.
  void require_test_pairs() const;
  /// Collective. `split` is "valid" or "test"; InputError if it has no ratings. Only the test part
  /// can be evaluated with validation ratings masked. `users`: a sample of so many, drawn with the
  /// run's seed; 0: all.
  std::unique_ptr<Evaluator> make_evaluator(const std::string& split, Mask mask = Mask::kTrain,
                                            std::int64_t users = 0) const;

  /// Collective. Metrics of recommending what most users liked.
  EvaluationReport evaluate_popularity(Evaluator& evaluator) const;

  /// Collective. The texts must be the same on every rank.
  WrittenFile save(const std::string& path, const std::string& config_text,
                   const std::string& progress);

  const DatasetSummary& summary() const { return file_->summary(); }
  const DatasetFile& dataset() const { return *file_; }
  const LoadedData& loaded() const { return *data_; }
  /// Collective at its first call, which builds it.
  const Adjacency& graph();
  Travel travel() const { return travel_; }
  Training& training() { return *training_; }
  const Training& training() const { return *training_; }
  /// "valid" if the data set has validation ratings in this fold, else "test" if it has those, else
  /// nothing: every rating trains. Collective.
  std::string default_split() const;
  /// Bytes of original ids on this rank; 0 before training is started.
  std::int64_t id_memory() const { return ids_ ? ids_->memory() : 0; }
  /// "user 'alice'", "item 'B00XYZ'": a node by its original id, read from the data set.
  std::string original_id(NodeId node) const;
  float offset() const { return offset_; }
  /// As given, with the length of the schedule filled in.
  const TrainConfig& config() const { return config_; }
  Isa isa() const { return isa_; }

 private:
  void check_ranks() const;
  std::optional<SomeUsers> users_of(const ListPlan& plan);
  /// Collective. Whether rows_ are those of this checkpoint, which is looked for once.
  bool find_final_rows(const std::string& checkpoint);
  RowsOwner owner_of(const std::string& checkpoint) const;
  Embeddings compute(const std::string& checkpoint, Branches branches);
  const HeldOutRatings& held_out(const std::string& split) const;
  std::string why_not_evaluated(const std::string& split) const;
  void check_unchanged() const;
  CheckpointInfo open_checkpoint(const std::string& path) const;
  TableRows table_rows() const { return {nodes_, loaded().layout.all_nodes()}; }

  Communicator comm_;
  TrainConfig config_;
  std::int32_t fold_;
  NodeMemory node_;  // before anything is loaded
  Isa isa_;
  std::unique_ptr<DatasetFile> file_;
  std::optional<HeldIds> ids_;  // for checkpoints
  float offset_ = 0.0F;
  std::unique_ptr<LoadedData> data_;
  Travel travel_ = Travel::kItems;
  std::optional<Adjacency> graph_;
  std::optional<FinalRows> rows_;  // of a ListPlan's checkpoint
  bool looked_for_rows_ = false;
  bool all_users_ = true;  // have their ratings here
  std::string settings_;   // of RowsOwner
  std::vector<NodeId> nodes_;
  std::unique_ptr<Training> training_;
};

/// How checkpoints are written by `config`. InputError if its options contradict each other.
CheckpointOptions checkpoint_options(const TrainConfig& config);

/// The instruction set by config.isa that every rank can run: the least of all ranks for "auto".
/// Collective.
Isa agree_on_isa(const Communicator& comm, IsaChoice choice);

}  // namespace siren::inline train
