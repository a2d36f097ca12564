// SPDX-License-Identifier: Apache-2.0
// Exported embeddings and lists as `info` reads them: the input says what is changed in a good file.
#include <array>
#include <filesystem>
#include <vector>

#include <nlohmann/json.hpp>

#include "siren/app/model_file_report.hpp"
#include "siren/io/hdf5_file.hpp"
#include "siren/io/json_lines.hpp"

#include "fuzz/hdf5_mutation.hpp"
#include "fuzz/target.hpp"

namespace siren::fuzz {

namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kNames = {"users/z", "items/z",          "users/zp",
                                         "offsets", "popular",          "item",
                                         "score",   "item_ids/offsets", "item_ids/bytes"};

std::string make_file(const char* kind) {
  std::string path = scratch(kind);
  Hdf5File file = Hdf5File::create(path, 0);
  file.set_attribute(kind, std::int64_t{1});
  for (const char* name : {"users", "items", "dimension", "step"})
    file.set_attribute(name, std::int64_t{4});
  for (const char* name : {"model", "dataset_hash", "program_version", "kind"})
    file.set_attribute(name, std::string_view("recommended"));
  for (const char* name : {"users/z", "items/z", "users/zp", "score"}) file.create<float>(name, 16);
  const std::array<std::int64_t, 5> offsets = {0, 4, 8, 12, 16};
  for (const char* name : {"offsets", "item_ids/offsets"}) {
    file.create<std::int64_t>(name, 5);
    file.write<std::int64_t>(name, 0, offsets);
  }
  file.create<std::uint8_t>("popular", 4);
  file.create<std::uint8_t>("item_ids/bytes", 16);
  file.create<std::int32_t>("item", 16);
  file.close();
  return path;
}

}  // namespace

void try_input(Bytes input) {
  static const std::array<std::string, 2> kGood = {make_file("siren_embeddings"),
                                                   make_file("siren_lists")};
  Choices choices(input);
  const std::string path = scratch("m.h5");
  fs::copy_file(kGood[choices.below(2)], path, fs::copy_options::overwrite_existing);
  change_hdf5(path, kNames, choices);
  judge([&] {
    const ModelFileKind kind = model_file_kind(path);
    if (kind == ModelFileKind::kOther) throw InputError("another file");
    const nlohmann::ordered_json json = model_file_as_json(path, kind);
    json_line(json);
    describe_model_file(json);
  });
}

}  // namespace siren::fuzz
