// SPDX-License-Identifier: Apache-2.0
#include "train/final_rows.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
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
constexpr const char* kMark = "final rows of ";

/// What the file says of whom it belongs to; nothing if the checkpoint has no block hashes.
std::optional<std::string> identity_of(const RowsOwner& owner) {
  constexpr std::int64_t kMostBytes = std::int64_t{1} << 28;
  const std::string hashes = block_hashes_path(owner.checkpoint);
  std::error_code error;
  if (!fs::is_regular_file(hashes, error)) return std::nullopt;
  const std::string text = read_small_file(hashes, kMostBytes) + owner.settings;
  return fmt::format("{}{:016x}", kMark, XXH3_64bits(text.data(), text.size()));
}

void remove_unread(const std::string& rows) {
  if (rows.empty()) return;
  const std::optional<LockFile> lock = lock_to_remove(rows);
  if (!lock) return;
  std::error_code error;
  fs::remove(rows, error);
  fs::remove(block_hashes_path(rows), error);
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

/// Numbers of ratings, each at most as many as there are users.
std::vector<std::int32_t> whole_numbers(const std::vector<double>& values, std::int64_t users,
                                        const std::string& path) {
  std::vector<std::int32_t> counts;
  counts.reserve(values.size());
  for (const double value : values) {
    if (!(value >= 0.0 && value <= static_cast<double>(users) && value == std::floor(value)))
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

bool is_final_rows(const CheckpointInfo& info) {
  return info.progress.starts_with(kMark);
}

void write_final_rows(const Communicator& comm, const RowsOwner& owner, const TableRows& rows,
                      const NodeTables& z, const ItemCounts& counts) {
  const std::string path = final_rows_path(owner.checkpoint);
  Matrix<float> table;
  CountTensors numbers;
  CheckpointInfo info;
  agree_on_input(comm, [&] {
    table = joined(z);
    numbers = {{counts.degree.begin(), counts.degree.end()},
               {counts.likes.begin(), counts.likes.end()}};
    if (!std::ranges::all_of(table.span(), [](float x) { return std::isfinite(x); }))
      throw InputError(fmt::format("a value of {}'s final rows is not finite", owner.checkpoint));
    info = read_checkpoint_info(owner.checkpoint);
    const std::optional<std::string> identity = identity_of(owner);
    if (path.empty() || !identity)
      throw InputError(fmt::format("{}: not a checkpoint in a run directory", owner.checkpoint));
    info.progress = *identity;
    info.storage = "fp32";
    info.program_version = kVersion;
    if (comm.is_root()) remove_unread(path);
  });
  std::vector<StateTensor> tensors = numbers.tensors();
  tensors.push_back(table_tensor(table));
  write_checkpoint(comm, path, {info, rows, tensors});
}

void remove_other_final_rows(const std::string& checkpoint) {
  const fs::path own(final_rows_path(checkpoint));
  std::vector<std::string> others;
  std::error_code error;
  for (fs::directory_iterator entry(own.parent_path(), error);
       !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with("rows-") && name.ends_with(".h5") && name != own.filename())
      others.push_back(entry->path().string());
  }
  for (const std::string& other : others) remove_unread(other);
}

void remove_final_rows(const std::string& checkpoint) {
  remove_unread(final_rows_path(checkpoint));
}

std::optional<FinalRows> FinalRows::find(const Communicator& comm, const RowsOwner& owner) {
  const std::string path = final_rows_path(owner.checkpoint);
  LockFile lock;
  std::int32_t there = 0;
  agree_on_input(comm, [&] {
    std::error_code error;
    if (!comm.is_root() || path.empty() || !fs::is_regular_file(owner.checkpoint, error)) return;
    there = hold_to_read(path, lock) ? 1 : 0;
  });
  comm.broadcast(std::span<std::int32_t>(&there, 1));
  if (there == 0) return std::nullopt;
  CheckpointInfo info;
  bool belongs = false;
  const auto pass_over = [](const std::exception& error) {
    spdlog::warn(
        "{}; the embeddings are computed from the checkpoint (the file may be removed, "
        "`siren train --resume` makes it again)",
        error.what());
    return std::nullopt;
  };
  try {
    verify_block_hashes(comm, path);
    agree_on_input(comm, [&] {
      info = read_checkpoint_info(path);
      belongs = identity_of(owner) == info.progress && info.dataset_hash == owner.dataset_hash &&
                info.users == owner.users && info.items == owner.items;
    });
  } catch (const InputError& error) {
    return pass_over(error);
  } catch (const CommonEnvironmentError& error) {
    return pass_over(error);
  }
  if (!belongs) {
    spdlog::debug("{} belongs to another checkpoint, data set or settings", path);
    return std::nullopt;
  }
  return FinalRows(path, owner.checkpoint, info, std::move(lock));
}

ItemCounts FinalRows::counts(const Communicator& comm) const {
  CountTensors numbers;
  agree_on_input(comm, [&] {
    numbers = {std::vector<double>(as_index(info_.items)),
               std::vector<double>(as_index(info_.items))};
  });
  const std::vector<StateTensor> tensors = numbers.tensors();
  read_checkpoint(comm, path_, {{}, info_.users + info_.items}, tensors);
  ItemCounts counts;
  agree_on_input(comm, [&] {
    counts = {whole_numbers(numbers.degree, info_.users, path_),
              whole_numbers(numbers.likes, info_.users, path_)};
    for (std::size_t i = 0; i < counts.likes.size(); ++i)
      if (counts.likes[i] > counts.degree[i])
        throw InputError(
            fmt::format("{} is damaged: item {} has more likes than ratings", path_, i));
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
