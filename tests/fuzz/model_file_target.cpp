// SPDX-License-Identifier: Apache-2.0
// Exported embeddings and lists as `info`, and embeddings as `recommend` reads them: the input says
// what is changed in a good file.
#include <array>
#include <filesystem>
#include <vector>

#include <nlohmann/json.hpp>

#include "data/row_dataset.hpp"
#include "distributed/layout.hpp"
#include "events/json.hpp"
#include "fuzz/hdf5_mutation.hpp"
#include "fuzz/target.hpp"
#include "io/hdf5_file.hpp"
#include "observe/model_file_report.hpp"
#include "ranking/embedding_export.hpp"
#include "ranking/embedding_file.hpp"

namespace siren::fuzz {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kRows = 4;
constexpr std::array kTables = {"users/z", "users/zp", "users/zn",
                                "items/z", "items/zp", "items/zn"};
constexpr std::array kOffsets = {"offsets", "user_ids/offsets", "item_ids/offsets"};

/// What embeddings need and what lists need: `kind` decides which it is taken for.
std::string make_file(const char* kind) {
  std::string path = scratch(kind);
  Hdf5File file = Hdf5File::create(path, 0);
  const bool embeddings = std::string_view(kind) == "siren_embeddings";
  file.set_attribute(kind, embeddings ? kEmbeddingFormatVersion : std::int64_t{1});
  file.set_attribute("fold", std::int64_t{1});
  file.set_attribute("offset", 3.5);
  file.set_attribute(kBiasColumns, std::int64_t{1});
  file.set_attribute(kPolarityColumns, std::int64_t{2});
  file.set_attribute(kLambda, 1.5);
  file.set_attribute(kHoldOut, 0.1);
  file.set_attribute(kSeed, std::int64_t{1});
  for (const char* name : {"users", "items", "dimension", "step"}) file.set_attribute(name, kRows);
  for (const char* name : {"model", "dataset_hash", "program_version", "kind"})
    file.set_attribute(name, std::string_view("recommended"));
  for (const char* name : kTables) create_row_dataset(file, name, {kRows, kRows, 4}, {});
  const std::array<std::int64_t, kRows + 1> offsets = {0, 4, 8, 12, 16};
  for (const char* name : kOffsets) {
    file.create<std::int64_t>(name, kRows + 1);
    file.write<std::int64_t>(name, 0, offsets);
  }
  const std::array<std::uint8_t, kRows> popular = {0, 1, 0, 0};
  file.create<std::uint8_t>("popular", kRows);
  file.write<std::uint8_t>("popular", 0, popular);
  for (const char* name : {"user_ids/bytes", "item_ids/bytes"}) file.create<std::uint8_t>(name, 16);
  for (const char* name : {kItemRatings, kItemLikes}) {
    const std::array<std::int32_t, kRows> counts = {0, 1, 2, 3};
    file.create<std::int32_t>(name, kRows);
    file.write<std::int32_t>(name, 0, counts);
  }
  file.create<std::int32_t>("item", 16);
  file.create<float>("score", 16);
  file.close();
  return path;
}

std::vector<std::string> names_in() {
  std::vector<std::string> names = {kItemRatings, kItemLikes,       "popular",       "item",
                                    "score",      "user_ids/bytes", "item_ids/bytes"};
  names.insert(names.end(), kTables.begin(), kTables.end());
  names.insert(names.end(), kOffsets.begin(), kOffsets.end());
  return names;
}

/// What Session and recommend read, for a data set of kRows users and items.
void use_for_lists(const EmbeddingFile& file) {
  file.require_for_lists();
  if (file.users() != kRows || file.items() != kRows) throw InputError("of another data set");
  const std::vector<std::int32_t> owner(kRows, 0);
  file.fold();
  file.offset();
  file.counts();
  file.read(Layout({owner, owner}, 0, 1, file.dimension()));
}

void look_at(const std::string& path) {
  const ModelFileKind kind = model_file_kind(path);
  if (kind == ModelFileKind::kOther) throw InputError("another file");
  const nlohmann::ordered_json json = model_file_as_json(path, kind);
  json_line(json);
  describe_model_file(json);
  if (kind == ModelFileKind::kEmbeddings) use_for_lists(EmbeddingFile(path));
}

/// Both kinds; if they were not accepted as they are, what is changed in them would prove nothing.
std::array<std::string, 2> make_good() {
  std::array<std::string, 2> paths = {make_file("siren_embeddings"), make_file("siren_lists")};
  for (const std::string& path : paths) look_at(path);
  return paths;
}

}  // namespace

void try_input(Bytes input) {
  static const std::array<std::string, 2> kGood = make_good();
  static const std::vector<std::string> kNames = names_in();
  Choices choices(input);
  const std::string path = scratch("m.h5");
  fs::copy_file(kGood[choices.below(2)], path, fs::copy_options::overwrite_existing);
  change_hdf5(path, kNames, choices);
  evaluate([&] { look_at(path); });
}

}  // namespace siren::fuzz
