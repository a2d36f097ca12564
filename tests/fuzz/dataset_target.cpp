// SPDX-License-Identifier: Apache-2.0
// A data set that is hostile though its header is right: the input says what is changed in a good one.
#include <filesystem>
#include <stdexcept>
#include <vector>

#include <nlohmann/json.hpp>

#include "data/dataset_layout.hpp"
#include "events/json.hpp"
#include "fuzz/hdf5_mutation.hpp"
#include "fuzz/target.hpp"
#include "fuzz/world.hpp"
#include "observe/dataset_report.hpp"

namespace siren::fuzz {

namespace {

namespace fs = std::filesystem;

/// Where the contents lie by now, as far as HDF5 still finds them.
std::vector<ChecksummedExtent> extents_of(const std::string& path) {
  std::vector<ChecksummedExtent> extents;
  for (const char* name : layout::kAll) extents.push_back({name, {}, 0});
  try {
    const Hdf5File file = Hdf5File::open_read_only(path);
    for (ChecksummedExtent& checked : extents) {
      try {
        checked.extent = file.extent_of(checked.name);
      } catch (const std::runtime_error&) {
        continue;
      }
    }
  } catch (const std::runtime_error&) {
    return extents;
  }
  return extents;
}

void make_hostile(const std::string& path, Choices& choices) {
  static const std::vector<std::string> kNames(layout::kAll.begin(), layout::kAll.end());
  fs::copy_file(good_dataset(), path, fs::copy_options::overwrite_existing);
  const std::vector<ChecksummedExtent> before = extents_of(path);
  const std::size_t how = choices.below(8);
  if (how != 0) change_hdf5(path, kNames, choices);
  std::vector<ChecksummedExtent> extents = choices.below(8) == 0 ? before : extents_of(path);
  if (how == 0) {
    ChecksummedExtent& one =
        extents[choices.below(extents.size())];  // its numbers, or all in its place
    if (one.extent.length > 0) change_bytes(path, one.extent.offset, choices);
  }
  if (choices.below(8) == 0) std::swap(extents[0].name, extents[extents.size() / 2].name);
  if (choices.below(8) == 0) extents.resize(choices.below(extents.size()));
  if (structures_too()) change_bytes(path, kHeaderBytes, choices);
  write_header(path, kDatasetFormatVersion, extents);
}

/// All that DatasetFile can give, and what `info` makes of it.
void read_everything(const std::string& path) {
  const DatasetFile data(path);
  data.verify();
  const DatasetSummary& summary = data.summary();
  data.user_offsets(0, summary.users);
  data.ratings(0, summary.ratings);
  data.user_ids(0, summary.users);
  data.item_ids(0, summary.items);
  data.user_id_table().find("105");
  data.item_id_table().find("item c");
  const DatasetDetails details = look_into(data);
  describe_dataset(summary);
  describe_details(summary, details);
  json_line(dataset_as_json(summary, path));
  json_line(details_as_json(summary, details));
}

void train_on(const std::string& path, std::int32_t fold) {
  DataConfig config = data_config(path);
  config.fold = fold;
  Session session(alone(), config, train_config());
  session.start_training().step();
  const std::unique_ptr<Evaluator> evaluator = session.make_evaluator(session.default_split());
  session.evaluate_popularity(*evaluator);
  session.original_id(0);
}

}  // namespace

void try_input(Bytes input) {
  static const bool kGoodIsAccepted =
      (read_everything(good_dataset()), true);  // else it proves nothing
  require(kGoodIsAccepted, "the good data set");
  Choices choices(input);
  const auto fold = static_cast<std::int32_t>(1 + choices.below(3));
  const std::string path = scratch("d.h5");
  make_hostile(path, choices);
  evaluate([&] { read_everything(path); });
  evaluate([&] { train_on(path, fold); });
  evaluate([&] {
    Session session(alone(), data_config(path), train_config());
    session.embed(good_checkpoint(), Branches::kAll);
    session.start_training();
    session.start_from(good_checkpoint());
  });
}

}  // namespace siren::fuzz
