// SPDX-License-Identifier: Apache-2.0
#include "ranking/embedding_export.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include <fmt/format.h>

#include "data/dataset_layout.hpp"
#include "data/shared_hdf5.hpp"
#include "io/atomic_file.hpp"
#include "io/npy_header.hpp"
#include "io/producer.hpp"
#include "siren/check.hpp"
#include "siren/error.hpp"
#include "siren/ids.hpp"
#include "siren/version.hpp"

namespace siren::inline ranking {

namespace {

constexpr std::int64_t kIdsAtOnce = std::int64_t{1} << 16;

/// One side of the graph as this rank sees it.
struct Side {
  std::string name;  // "user"
  std::int64_t all;
  std::int64_t first;  // global id of the first owned one
  Matrix<float> NodeTables::*rows;
  std::vector<std::string> (DatasetFile::*ids)(std::int64_t, std::int64_t) const;
  const char* id_bytes;
  const char* id_offsets;
};

std::array<Side, 2> sides_of(const Layout& layout) {
  const auto first_of = [](const auto& owned) {
    SIREN_ASSERT(owned.empty() || owned.back() - owned.front() + 1 == std::ssize(owned),
                 "{} rows from {} to {}", owned.size(), owned.front(), owned.back());
    return owned.empty() ? std::int64_t{0} : std::int64_t{owned.front()};
  };
  return {Side{"user", layout.all_users(), first_of(layout.owned_users()), &NodeTables::users,
               &DatasetFile::user_ids, layout::kUserIdBytes, layout::kUserIdOffsets},
          Side{"item", layout.all_items(), first_of(layout.owned_items()), &NodeTables::items,
               &DatasetFile::item_ids, layout::kItemIdBytes, layout::kItemIdOffsets}};
}

struct NamedTable {
  std::string name;
  const NodeTables& tables;
};

std::vector<NamedTable> tables_of(const ExportSource& source) {
  std::vector<NamedTable> tables{{"z", source.embeddings.z}};
  if (source.model != ModelKind::kSiren) return tables;  // Z is made of Zp alone
  tables.push_back({"zp", source.embeddings.zp});
  tables.push_back({"zn", source.embeddings.zn});
  return tables;
}

Producer bytes_of(const Matrix<float>& rows) {
  return [&rows](const Sink& sink) {
    PieceBuffer buffer(sink);
    for (std::int64_t r = 0; r < rows.rows(); ++r)
      buffer.append({reinterpret_cast<const char*>(rows.row(r)),
                     static_cast<std::size_t>(rows.columns()) * sizeof(float)});
    buffer.flush();
  };
}

/// Those of the owned items, whose ids are consecutive.
Producer bytes_of(std::span<const std::int32_t> all, const Side& items, std::int64_t owned) {
  const auto mine = std::as_bytes(all.subspan(as_index(items.first), as_index(owned)));
  return [mine](const Sink& sink) {
    sink({reinterpret_cast<const char*>(mine.data()), mine.size()});
  };
}

/// Calls visit(row, id) for the owned ones.
template <class Visit>
void each_owned_id(const ExportSource& source, const Side& side, const Visit& visit) {
  const std::int64_t count = (source.embeddings.z.*side.rows).rows();
  for (std::int64_t begin = 0; begin < count; begin += kIdsAtOnce) {
    const std::int64_t end = std::min(begin + kIdsAtOnce, count);
    std::int64_t row = begin;
    for (const std::string& id : (source.dataset.*side.ids)(side.first + begin, side.first + end))
      visit(row++, id);
  }
}

void require_without(const char* what, const Side& side, const std::string& id) {
  if (id.find_first_of(what) != std::string::npos)
    throw InputError(fmt::format(
        "{} {:?} has a blank or line break in its id, which this format cannot hold; use --format "
        "hdf5",
        side.name, id));
}

// ---- hdf5

void export_hdf5(const Communicator& comm, const ExportSource& source, const std::string& path) {
  const Hdf5File& dataset = source.dataset.contents();
  const std::array<Side, 2> sides = sides_of(source.layout);
  const std::int64_t dimension = source.embeddings.z.users.columns();
  std::vector<Hdf5Array> arrays;
  for (const Side& side : sides) {
    for (const NamedTable& table : tables_of(source))
      arrays.push_back(
          {fmt::format("{}s/{}", side.name, table.name), Hdf5Type::kFloat, side.all, dimension});
    arrays.push_back({side.id_bytes, Hdf5Type::kByte, dataset.length_of(side.id_bytes)});
    arrays.push_back({side.id_offsets, Hdf5Type::kInt64, side.all + 1});
  }
  for (const char* count : {kItemRatings, kItemLikes})
    arrays.push_back({count, Hdf5Type::kInt32, sides[1].all});
  SharedHdf5 file(comm, path, arrays, [&](Hdf5File& made) {
    const FinalColumns& columns = source.embeddings.z.columns;
    const bool plain = columns == FinalColumns{} && source.hold_out == 0.0;
    made.set_attribute("siren_embeddings", plain ? std::int64_t{2} : kEmbeddingFormatVersion);
    if (!plain) {
      made.set_attribute(kBiasColumns, columns.bias);
      made.set_attribute(kPolarityColumns, columns.polarity);
      made.set_attribute(kLambda, source.lambda);
      made.set_attribute(kHoldOut, source.hold_out);
      made.set_attribute(kSeed, std::int64_t{source.seed});
    }
    made.set_attribute("users", sides[0].all);
    made.set_attribute("items", sides[1].all);
    made.set_attribute("dimension", dimension);
    made.set_attribute("step", source.step);
    made.set_attribute("fold", std::int64_t{source.fold});
    made.set_attribute("offset", double{source.offset});
    made.set_attribute("model", name_of(source.model));
    made.set_attribute("dataset_hash", std::string_view(source.dataset.summary().content_hash));
    made.set_attribute("program_version", std::string_view(kVersion));
  });
  for (const Side& side : sides) {
    for (const NamedTable& table : tables_of(source))
      file.write(fmt::format("{}s/{}", side.name, table.name),
                 side.first * dimension * std::int64_t{sizeof(float)},
                 bytes_of(table.tables.*side.rows));
    file.copy_ids(dataset, {side.id_bytes, side.id_offsets});
  }
  const Side& items = sides[1];
  const std::int64_t owned = (source.embeddings.z.*items.rows).rows();
  const std::int64_t begin = items.first * std::int64_t{sizeof(std::int32_t)};
  file.write(kItemRatings, begin, bytes_of(source.train.item_degree, items, owned));
  file.write(kItemLikes, begin, bytes_of(source.train.item_likes, items, owned));
  agree_on_input(comm, [&] { source.dataset.check_unchanged(); });
  file.publish();
}

// ---- npy

void write_npy(const Communicator& comm, const std::string& path, std::int64_t all,
               const Matrix<float>& rows) {
  SharedFile file(comm, path);
  const std::string header = comm.is_root() ? npy_header(all, rows.columns()) : "";
  file.append(std::span<const std::string>(&header, 1));
  file.append_produced(bytes_of(rows));
  file.publish();
}

void write_id_lines(const Communicator& comm, const std::string& path, const ExportSource& source,
                    const Side& side) {
  SharedFile file(comm, path);
  file.append_produced([&](const Sink& sink) {
    PieceBuffer buffer(sink);
    each_owned_id(source, side, [&](std::int64_t /*row*/, const std::string& id) {
      require_without("\r\n", side, id);
      buffer.append(id);
      buffer.append("\n");
    });
    buffer.flush();
  });
  agree_on_input(comm, [&] { source.dataset.check_unchanged(); });
  file.publish();
}

/// The directory gets its name when it is complete.
void export_npy(const Communicator& comm, const ExportSource& source, const std::string& path) {
  std::unique_ptr<AtomicDirectory> directory;  // rank 0's
  std::string temporary;
  agree_on_input(comm, [&] {
    if (!comm.is_root()) return;
    directory = std::make_unique<AtomicDirectory>(path);
    temporary = directory->temporary();
  });
  comm.broadcast(temporary);
  try {
    for (const Side& side : sides_of(source.layout)) {
      for (const NamedTable& table : tables_of(source))
        write_npy(comm, fmt::format("{}/{}_{}.npy", temporary, side.name, table.name), side.all,
                  table.tables.*side.rows);
      write_id_lines(comm, fmt::format("{}/{}_ids.txt", temporary, side.name), source, side);
    }
    agree_on_input(comm, [&] {
      if (comm.is_root()) directory->publish();
    });
  } catch (...) {  // the first rank to end may take the others with it
    directory.reset();
    comm.barrier();
    throw;
  }
}

// ---- word2vec

void export_text(const Communicator& comm, const ExportSource& source, const std::string& path,
                 ExportTable which) {
  const std::array<Side, 2> sides = sides_of(source.layout);
  const std::vector<NamedTable> tables = tables_of(source);
  if (static_cast<std::size_t>(which) >= tables.size())
    throw InputError(fmt::format("--table {}: a {} model has the final table only", name_of(which),
                                 name_of(source.model)));
  const NodeTables& table = tables[static_cast<std::size_t>(which)].tables;
  SharedFile file(comm, path);
  const std::string header =
      comm.is_root() ? fmt::format("{} {}\n", sides[0].all + sides[1].all, table.users.columns())
                     : "";
  file.append(std::span<const std::string>(&header, 1));
  for (const Side& side : sides)
    file.append_produced([&](const Sink& sink) {
      PieceBuffer buffer(sink);
      each_owned_id(source, side, [&](std::int64_t row, const std::string& id) {
        require_without(" \t\r\n", side, id);
        fmt::format_to(fmt::appender(buffer.text()), "{}:{}", side.name, id);
        for (const float value : (table.*side.rows).row_values(row))
          fmt::format_to(fmt::appender(buffer.text()), " {}", value);
        buffer.append("\n");
      });
      buffer.flush();
    });
  agree_on_input(comm, [&] { source.dataset.check_unchanged(); });
  file.publish();
}

}  // namespace

void export_embeddings(const Communicator& comm, const ExportSource& source,
                       const std::string& path, ExportFormat format, ExportTable table) {
  switch (format) {
    case ExportFormat::kHdf5:
      return export_hdf5(comm, source, path);
    case ExportFormat::kNpy:
      return export_npy(comm, source, path);
    case ExportFormat::kWord2vec:
      return export_text(comm, source, path, table);
  }
}

}  // namespace siren::inline ranking
