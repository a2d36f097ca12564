// SPDX-License-Identifier: Apache-2.0
// A checkpoint that is hostile though its block hashes are right: the input says what is changed in
// a good one.
#include <algorithm>
#include <filesystem>
#include <vector>

#include <nlohmann/json.hpp>

#include "events/json.hpp"
#include "fuzz/hdf5_mutation.hpp"
#include "fuzz/target.hpp"
#include "fuzz/world.hpp"
#include "io/block_hashes.hpp"
#include "observe/model_file_report.hpp"
#include "train/checkpoint.hpp"

namespace siren::fuzz {

namespace {

namespace fs = std::filesystem;

std::vector<std::string> names_in(const std::string& data) {
  std::vector<std::string> names = {
      checkpoint_layout::kCheckpointUserIds.bytes, checkpoint_layout::kCheckpointUserIds.offsets,
      checkpoint_layout::kCheckpointItemIds.bytes, checkpoint_layout::kCheckpointItemIds.offsets};
  Session session(alone(), data_config(data), train_config());
  for (const StateTensor& tensor : session.start_training().state()) names.push_back(tensor.name);
  return names;
}

void make_hostile(const std::string& path, Choices& choices) {
  static const std::vector<std::string> kNames = names_in(good_dataset());
  fs::copy_file(good_checkpoint(), path, fs::copy_options::overwrite_existing);
  change_hdf5(path, kNames, choices);
  if (structures_too()) change_bytes(path, 0, choices);
  write_block_hashes(alone(), path, block_hashes_path(path));
}

void look_at(const std::string& path) {
  verify_block_hashes(alone(), path);
  const ModelFileKind kind = model_file_kind(path);
  if (kind == ModelFileKind::kOther) throw InputError("another file");
  const nlohmann::ordered_json json = model_file_as_json(path, kind);
  json_line(json);
  describe_model_file(json);
}

void read_ids(const std::string& path) {
  verify_block_hashes(alone(), path);
  const CheckpointInfo info = read_checkpoint_info(path);
  read_checkpoint_ids(path, IdSide::kUsers, 0, info.users);
  read_checkpoint_ids(path, IdSide::kItems, 0, info.items);
}

}  // namespace

void try_input(Bytes input) {
  static const bool kGoodIsAccepted = (look_at(good_checkpoint()), true);  // else it proves nothing
  require(kGoodIsAccepted, "the good checkpoint");
  Choices choices(input);
  const std::string path = scratch("c.h5");
  make_hostile(path, choices);
  evaluate([&] { look_at(path); });
  evaluate([&] { read_ids(path); });
  evaluate([&] {
    Session session(alone(), data_config(good_dataset()), train_config());
    const Embeddings embeddings = session.embed(path, Branches::kAll);
    session.make_evaluator("test")->evaluate({embeddings.z.users, embeddings.z.items});
  });
  evaluate([&] {
    Session session(alone(), data_config(good_dataset()), train_config());
    session.start_training();
    session.start_from(path);
    session.resume(path);
    if (session.training().steps_done() < 1000) session.training().step();
  });
}

}  // namespace siren::fuzz
