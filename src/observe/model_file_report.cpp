// SPDX-License-Identifier: Apache-2.0
#include "observe/model_file_report.hpp"

#include <algorithm>
#include <array>
#include <sstream>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/settings.hpp"
#include "core/text.hpp"
#include "io/hdf5_checks.hpp"
#include "io/hdf5_file.hpp"
#include "io/plain_file.hpp"
#include "ranking/embedding_file.hpp"
#include "ranking/list_writer.hpp"
#include "siren/error.hpp"
#include "train/checkpoint.hpp"
#include "train/final_rows.hpp"
#include "train/run_progress.hpp"

namespace siren::inline observe {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kEmbeddingVersion = "siren_embeddings";
constexpr const char* kListVersion = "siren_lists";

void check_version(const Hdf5File& file, const char* attribute, std::int64_t newest) {
  const std::int64_t version = file.int_attribute(attribute);
  if (version > newest)
    throw InputError(fmt::format("{}: format {} is newer than this program's {}; use a newer siren",
                                 file.path(), version, newest));
  if (version < 1) damaged(file.path(), fmt::format("its format version is {}", version));
}

Json start(const char* kind, const std::string& path, std::int64_t version) {
  return {{"kind", kind},
          {"path", path},
          {"format_version", version},
          {"bytes", PlainFile(path).length()}};
}

Json checkpoint_json(const std::string& path) {
  const CheckpointInfo info = read_checkpoint_info(path);
  const bool rows = is_final_rows(info);
  const RunProgress progress = rows ? RunProgress{} : parse_progress(info.progress);
  Json json = start(rows ? "final rows" : "checkpoint", path, kCheckpointFormatVersion);
  json["program_version"] = info.program_version;
  json["step"] = info.step;
  json["epoch"] = info.epoch;
  json["users"] = info.users;
  json["items"] = info.items;
  json["storage"] = info.storage;
  json["dataset_hash"] = info.dataset_hash;
  if (progress.best_step > 0)
    json["best"] = {{"step", progress.best_step},
                    {"epoch", progress.best_epoch},
                    {"valid_nDCG@10", progress.best_metric}};
  json["settings"] = essential_settings(info.config, path + " (attribute config)");
  return json;
}

Json embeddings_json(const std::string& path) {
  const EmbeddingFile embeddings(path);
  const Hdf5File& file = embeddings.contents();
  Json json = start("embeddings", path, embeddings.version());
  for (const char* text : {"program_version", "model"}) json[text] = file.string_attribute(text);
  const std::int64_t step = file.int_attribute("step");
  if (step < 0) damaged(path, fmt::format("its attribute step is {}", step));
  json["step"] = step;
  json["users"] = embeddings.users();
  json["items"] = embeddings.items();
  json["dimension"] = embeddings.dimension();
  if (embeddings.columns() != FinalColumns{}) {
    json["bias_columns"] = embeddings.columns().bias;
    json["polarity_columns"] = embeddings.columns().polarity;
    json["lambda"] = embeddings.lambda();
  }
  if (embeddings.serves_lists()) {
    json["fold"] = embeddings.fold();
    json["offset"] = embeddings.offset();
  }
  json["tables"] = embeddings.has_branches() ? Json{"z", "zp", "zn"} : Json{"z"};
  json["dataset_hash"] = embeddings.dataset_hash();
  return json;
}

Json lists_json(const std::string& path) {
  constexpr std::int64_t kAtOnce = 1 << 20;
  const Hdf5File file = Hdf5File::open_read_only(path);
  check_version(file, kListVersion, kListFormatVersion);
  Json json = start("lists", path, file.int_attribute(kListVersion));
  const std::int64_t lists = file.length_of("popular");
  const std::int64_t entries = file.length_of("item");
  std::int64_t cold = 0;
  std::int64_t longest = 0;
  std::int64_t empty = 0;
  std::int64_t reached = 0;
  if (file.length_of("offsets") != lists + 1 || file.length_of("score") != entries)
    damaged(path, fmt::format("it has {} lists of {} entries, but other offsets or scores", lists,
                              entries));
  for (std::int64_t begin = 0; begin < lists; begin += kAtOnce) {
    const std::int64_t end = std::min(begin + kAtOnce, lists);
    for (const std::uint8_t popular : file.read<std::uint8_t>("popular", begin, end))
      cold += popular != 0 ? 1 : 0;
    const auto at = file.read<std::int64_t>("offsets", begin, end + 1);
    if (at.front() != reached || !std::is_sorted(at.begin(), at.end()) || at.back() > entries)
      damaged(path, "its offsets do not divide its entries into lists");
    reached = at.back();
    for (std::size_t k = 0; k + 1 < at.size(); ++k) {
      longest = std::max(longest, at[k + 1] - at[k]);
      empty += at[k + 1] == at[k] ? 1 : 0;
    }
  }
  if (reached != entries) damaged(path, "its offsets do not divide its entries into lists");
  json["program_version"] = file.string_attribute("program_version");
  json["of"] = file.string_attribute("kind");
  json["lists"] = lists;
  json["entries"] = entries;
  json["longest"] = longest;
  json["empty"] = empty;
  json["cold"] = cold;
  json["items"] = std::max<std::int64_t>(file.length_of("item_ids/offsets"), 1) - 1;
  return json;
}

/// "a, b" of an array, plain text of a string, grouped digits of a whole number.
std::string value_text(const Json& value) {
  if (value.is_number_integer()) return grouped(value.get<std::int64_t>());
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_structured()) return value.dump();
  std::string text;
  for (const auto& [key, part] : value.items()) {
    if (!text.empty()) text += ", ";
    if (value.is_object()) text += key + " ";
    text += part.is_string() ? part.get<std::string>() : part.dump();
  }
  return text;
}

}  // namespace

ModelFileKind model_file_kind(const std::string& path) {
  if (!begins_like_hdf5(path)) return ModelFileKind::kOther;
  const Hdf5File file = Hdf5File::open_read_only(path);
  const auto has = [&](const char* name) { return has_attribute(file.get(), name, path); };
  if (has(checkpoint_layout::kCheckpointVersion)) return ModelFileKind::kCheckpoint;
  if (has(kEmbeddingVersion)) return ModelFileKind::kEmbeddings;
  return has(kListVersion) ? ModelFileKind::kLists : ModelFileKind::kOther;
}

Json model_file_as_json(const std::string& path, ModelFileKind kind) {
  if (kind == ModelFileKind::kCheckpoint) return checkpoint_json(path);
  if (kind == ModelFileKind::kEmbeddings) return embeddings_json(path);
  if (kind == ModelFileKind::kLists) return lists_json(path);
  throw InputError(fmt::format("{}: not a file of siren", path));
}

std::string describe_model_file(const Json& json) {
  std::string text;
  for (const auto& [key, value] : json.items()) {
    if (key == "kind" || key == "path") continue;
    std::string name = key;
    std::replace(name.begin(), name.end(), '_', ' ');
    text += fmt::format("{:<16}{}\n", name, printable(value_text(value)));
  }
  return fmt::format("{:<16}{}: {}\n{}", "file", printable(json["path"].get<std::string>()),
                     json["kind"].get<std::string>(), text);
}

Json essential_settings(const std::string& config, const std::string& place) {
  constexpr std::array<std::string_view, 15> kEssential = {
      "data",    "fold", "model", "dim",     "layers", "negatives",   "batch",      "epochs",
      "storage", "seed", "lr",    "average", "loss",   "temperature", "batch-users"};
  Json settings = Json::object();
  const Settings all = Settings::parse(config, place);
  for (const Setting& setting : all.all())
    if (std::find(kEssential.begin(), kEssential.end(), setting.key) != kEssential.end())
      settings[setting.key] = setting.value;
  return settings;
}

}  // namespace siren::inline observe
