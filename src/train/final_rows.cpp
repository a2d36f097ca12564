// SPDX-License-Identifier: Apache-2.0
#include "train/final_rows.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <span>
#include <system_error>

#include <fmt/format.h>
#include <xxhash.h>

#include "core/log.hpp"
#include "io/block_hashes.hpp"
#include "io/checkpoint_pointer.hpp"
#include "io/plain_file.hpp"
#include "siren/error.hpp"
#include "siren/ids.hpp"
#include "siren/version.hpp"

namespace siren::inline train {

namespace {

namespace fs = std::filesystem;

constexpr const char* kTable = "final/z";

/// What tells a checkpoint from every other; nothing if it has no block hashes.
std::optional<std::string> identity_of(const std::string& checkpoint) {
  constexpr std::int64_t kMostBytes = std::int64_t{1} << 28;
  const std::string hashes = block_hashes_path(checkpoint);
  std::error_code error;
  if (!fs::is_regular_file(hashes, error)) return std::nullopt;
  const std::string text = read_small_file(hashes, kMostBytes);
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

/// Values of type double, as replicated tensors of a checkpoint have them: exact for counts.
struct CountTensors {
  std::vector<double> degree;
  std::vector<double> likes;

  std::vector<StateTensor> tensors() {
    const auto tensor = [](const char* name, std::vector<double>& values) {
      const std::int64_t count = std::ssize(values);
      return StateTensor{name, false, 1, count, count, sizeof(double), values.data()};
    };
    return {tensor("train/item_degree", degree), tensor("train/item_likes", likes)};
  }
};

std::vector<std::int32_t> whole_numbers(const std::vector<double>& values,
                                        const std::string& path) {
  constexpr double kMost = 2147483647.0;
  std::vector<std::int32_t> counts;
  counts.reserve(values.size());
  for (const double value : values) {
    if (!(value >= 0.0 && value <= kMost && value == std::floor(value)))
      throw InputError(fmt::format("{} is damaged: {} is no number of ratings", path, value));
    counts.push_back(static_cast<std::int32_t>(value));
  }
  return counts;
}

/// Both sides of `z` in one table, as checkpoints have them.
Matrix<float> joined(const NodeTables& z) {
  Matrix<float> table(z.users.rows() + z.items.rows(), z.users.columns());
  std::ranges::copy(z.users.span(), table.data());
  std::ranges::copy(z.items.span(), table.row(z.users.rows()));
  return table;
}

StateTensor table_tensor(Matrix<float>& table) {
  return {kTable, true, table.rows(), table.columns(), table.stride(), sizeof(float), table.data()};
}

}  // namespace

std::string final_rows_path(const std::string& checkpoint) {
  const fs::path path(checkpoint);
  const auto step = step_of_checkpoint(path.filename().string());
  if (!step) return {};
  return (path.parent_path() / fmt::format("rows-{:09}.h5", *step)).string();
}

void write_final_rows(const Communicator& comm, const std::string& checkpoint,
                      const TableRows& rows, const NodeTables& z, const ItemCounts& counts) {
  const std::string path = final_rows_path(checkpoint);
  CheckpointInfo info;
  agree_on_input(comm, [&] {
    info = read_checkpoint_info(checkpoint);
    const std::optional<std::string> identity = identity_of(checkpoint);
    if (path.empty() || !identity)
      throw InputError(fmt::format("{}: not a checkpoint in a run directory", checkpoint));
    info.progress = *identity;
    info.storage = "fp32";
    info.program_version = kVersion;
    if (!comm.is_root()) return;
    std::error_code error;
    fs::remove(path, error);
    fs::remove(block_hashes_path(path), error);
  });
  Matrix<float> table = joined(z);
  CountTensors numbers{{counts.degree.begin(), counts.degree.end()},
                       {counts.likes.begin(), counts.likes.end()}};
  std::vector<StateTensor> tensors = numbers.tensors();
  tensors.push_back(table_tensor(table));
  write_checkpoint(comm, path, {info, rows, tensors});
}

void remove_other_final_rows(const std::string& checkpoint) {
  const fs::path folder = fs::path(checkpoint).parent_path();
  for (const std::int64_t step : checkpoint_steps_in(folder.string())) {
    const std::string other = (folder / checkpoint_name(step)).string();
    if (fs::path(other).filename() == fs::path(checkpoint).filename()) continue;
    const std::string rows = final_rows_path(other);
    std::error_code error;
    fs::remove(rows, error);
    fs::remove(block_hashes_path(rows), error);
  }
}

std::optional<FinalRows> FinalRows::find(const Communicator& comm, const std::string& checkpoint) {
  const std::string path = final_rows_path(checkpoint);
  std::int32_t there = 0;
  agree_on_input(comm, [&] {
    std::error_code error;
    if (comm.is_root()) there = !path.empty() && fs::is_regular_file(path, error) ? 1 : 0;
  });
  comm.broadcast(std::span<std::int32_t>(&there, 1));
  if (there == 0) return std::nullopt;
  CheckpointInfo info;
  try {
    verify_block_hashes(comm, path);
    agree_on_input(comm, [&] {
      info = read_checkpoint_info(path);
      if (identity_of(checkpoint) != info.progress)
        throw InputError(fmt::format("{} belongs to another checkpoint", path));
    });
  } catch (const InputError& error) {
    spdlog::warn("{}; the embeddings are computed again", error.what());
    return std::nullopt;
  }
  return FinalRows(path, info);
}

ItemCounts FinalRows::counts(const Communicator& comm) const {
  CountTensors numbers{std::vector<double>(as_index(info_.items)),
                       std::vector<double>(as_index(info_.items))};
  const std::vector<StateTensor> tensors = numbers.tensors();
  read_checkpoint(comm, path_, {{}, info_.users + info_.items}, tensors);
  ItemCounts counts;
  agree_on_input(comm, [&] {
    counts = {whole_numbers(numbers.degree, path_), whole_numbers(numbers.likes, path_)};
  });
  return counts;
}

NodeTables FinalRows::read(const Communicator& comm, const TableRows& rows, std::int64_t users,
                           std::int64_t dimension) const {
  Matrix<float> table(std::ssize(rows.nodes), dimension);
  const std::vector<StateTensor> tensors = {table_tensor(table)};
  read_checkpoint(comm, path_, rows, tensors);
  agree_on_input(comm, [&] {
    if (!std::ranges::all_of(table.span(), [](float x) { return std::isfinite(x); }))
      throw InputError(fmt::format("{} is damaged: a value is not finite", path_));
  });
  NodeTables z{Matrix<float>(users, dimension), Matrix<float>(table.rows() - users, dimension)};
  std::copy_n(table.data(), users * table.stride(), z.users.data());
  std::copy_n(table.row(users), z.items.rows() * table.stride(), z.items.data());
  return z;
}

}  // namespace siren::inline train
