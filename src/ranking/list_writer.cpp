// SPDX-License-Identifier: Apache-2.0
#include "ranking/list_writer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/terminal.hpp"
#include "core/text.hpp"
#include "data/dataset_layout.hpp"
#include "data/shared_hdf5.hpp"
#include "siren/ids.hpp"
#include "siren/version.hpp"

namespace siren::inline ranking {

namespace {

constexpr std::int32_t kIdsAtOnce = 1 << 16;
constexpr std::int32_t kLargestGap = 1 << 10;  // of ids that are read in vain

struct Lists {
  const RankedLists& made;
  ListKind kind;
  const DatasetFile& dataset;
  bool spreadsheet_safe = false;
  bool with_liked = false;
  bool to_terminal = false;
  IdTable items;

  std::span<const ScoredItem> entries(std::size_t k) const {
    return std::span(made.entries)
        .subspan(as_index(made.offsets[k]), as_index(made.offsets[k + 1] - made.offsets[k]));
  }
  std::vector<std::string> query_ids(std::int64_t begin, std::int64_t end) const {
    return kind == ListKind::kSimilar ? dataset.item_ids(begin, end) : dataset.user_ids(begin, end);
  }
};

/// Calls visit(k, id of query k) in order; ids are read in runs.
template <class Visit>
void each_query(const Lists& lists, const Visit& visit) {
  const std::vector<std::int32_t>& query = lists.made.query;
  for (std::size_t first = 0; first < query.size();) {
    std::size_t end = first + 1;
    while (end < query.size() && query[end] - query[first] < kIdsAtOnce &&
           query[end] - query[end - 1] <= kLargestGap)
      ++end;
    const std::vector<std::string> ids =
        lists.query_ids(query[first], std::int64_t{query[end - 1]} + 1);
    for (std::size_t k = first; k < end; ++k) visit(k, ids[as_index(query[k] - query[first])]);
    first = end;
  }
}

// ---- texts

/// A field as RFC 4180 has it.
void append_quoted(std::string_view text, fmt::memory_buffer& to) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    to.append(text.data(), text.data() + text.size());
    return;
  }
  to.push_back('"');
  for (const char c : text) {
    if (c == '"') to.push_back('"');
    to.push_back(c);
  }
  to.push_back('"');
}

void append_field(const Lists& lists, std::string_view id, fmt::memory_buffer& to) {
  constexpr std::string_view kBeginsFormula = "=+-@\t\r";
  const bool formula = lists.spreadsheet_safe && !id.empty() &&
                       kBeginsFormula.find(id.front()) != std::string_view::npos;
  if (!formula && !lists.to_terminal) return append_quoted(id, to);
  append_quoted(
      fmt::format("{}{}", formula ? "'" : "", lists.to_terminal ? printable(id) : std::string(id)),
      to);
}

void append_string(const Lists& lists, std::string_view text, fmt::memory_buffer& to) {
  constexpr unsigned char kFirstPrintable = 0x20;
  if (lists.to_terminal) {
    const std::string ascii =
        nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
    to.append(ascii.data(), ascii.data() + ascii.size());
    return;
  }
  to.push_back('"');
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < kFirstPrintable)
      fmt::format_to(fmt::appender(to), "\\u{:04x}", static_cast<unsigned char>(c));
    else {
      if (c == '"' || c == '\\') to.push_back('\\');
      to.push_back(c);
    }
  }
  to.push_back('"');
}

/// P(liked | engaged)
float liked(const ScoredItem& entry) {
  return static_cast<float>(1.0 / (1.0 + std::exp(-double{entry.polarity})));
}

std::string_view source_of(const Lists& lists, std::size_t k) {
  return lists.made.popular[k] != 0 ? "popular" : "model";
}

void append_csv(const Lists& lists, std::size_t k, const std::string& id, fmt::memory_buffer& to) {
  int rank = 0;
  for (const ScoredItem& entry : lists.entries(k)) {
    append_field(lists, id, to);
    fmt::format_to(fmt::appender(to), ",{},", ++rank);
    append_field(lists, lists.items.at(entry.item), to);
    fmt::format_to(fmt::appender(to), ",{}", entry.score);
    if (lists.kind == ListKind::kRecommended)
      fmt::format_to(fmt::appender(to), ",{}", source_of(lists, k));
    if (lists.with_liked) to.push_back(',');
    if (lists.with_liked && lists.made.popular[k] == 0)
      fmt::format_to(fmt::appender(to), "{:.4f}", liked(entry));
    to.push_back('\n');
  }
}

void append_json(const Lists& lists, std::size_t k, const std::string& id, fmt::memory_buffer& to) {
  const auto put = [&](std::string_view text) {
    to.append(text.data(), text.data() + text.size());
  };
  const bool similar = lists.kind == ListKind::kSimilar;
  put(similar ? "{\"item\":" : "{\"user\":");
  append_string(lists, id, to);
  if (!similar) fmt::format_to(fmt::appender(to), ",\"source\":\"{}\"", source_of(lists, k));
  put(similar ? ",\"similar\":[" : ",\"items\":[");
  bool first = true;
  for (const ScoredItem& entry : lists.entries(k)) {
    put(first ? "{\"item\":" : ",{\"item\":");
    append_string(lists, lists.items.at(entry.item), to);
    fmt::format_to(fmt::appender(to), ",\"score\":{}", entry.score);
    if (lists.with_liked && lists.made.popular[k] == 0)
      fmt::format_to(fmt::appender(to), ",\"liked\":{:.4f}", liked(entry));
    put("}");
    first = false;
  }
  put("]}\n");
}

Producer text_of(const Lists& lists, ListFormat format, bool with_header) {
  return [&lists, format, with_header](const Sink& sink) {
    PieceBuffer buffer(sink);
    const bool csv = format == ListFormat::kCsv;
    if (with_header && csv)
      buffer.append(fmt::format("{}{}\n",
                                lists.kind == ListKind::kSimilar ? "item,rank,similar,score"
                                                                 : "user,rank,item,score,source",
                                lists.with_liked ? ",liked" : ""));
    each_query(lists, [&](std::size_t k, const std::string& id) {
      (csv ? append_csv : append_json)(lists, k, id, buffer.text());
      buffer.pass_on();
    });
    buffer.flush();
  };
}

// ---- hdf5

/// Where this rank's part of something begins, and its length over all ranks.
struct Part {
  Part(const Communicator& comm, std::int64_t mine) {
    const std::vector<std::int64_t> counts = comm.all_gather(mine);
    begin = std::accumulate(counts.begin(), counts.begin() + comm.rank(), std::int64_t{0});
    total = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
  }
  std::int64_t begin = 0;
  std::int64_t total = 0;
};

template <class T>
Producer values_of(const std::vector<T>& values) {
  return [&values](const Sink& sink) {
    sink({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)});
  };
}

/// What of the lists goes into arrays as it is.
struct Columns {
  std::vector<std::int64_t> id_ends;  // [queries] behind each id, from `bytes.begin`
  std::vector<std::int64_t> ends;     // [queries] behind each list
  std::vector<std::int32_t> item;
  std::vector<float> score;
  std::vector<float> liked;
};

Columns columns_of(const Lists& lists) {
  Columns columns;
  std::int64_t bytes = 0;
  each_query(lists, [&](std::size_t /*k*/, const std::string& id) {
    columns.id_ends.push_back(bytes += std::ssize(id));
  });
  columns.ends.assign(lists.made.offsets.begin() + 1, lists.made.offsets.end());
  for (const ScoredItem& entry : lists.made.entries) {
    columns.item.push_back(entry.item);
    columns.score.push_back(entry.score);
  }
  if (!lists.with_liked) return columns;
  for (std::size_t k = 0; k < lists.made.query.size(); ++k)
    for (const ScoredItem& entry : lists.entries(k))
      columns.liked.push_back(lists.made.popular[k] != 0 ? std::numeric_limits<float>::quiet_NaN()
                                                         : liked(entry));
  return columns;
}

/// `ends` become offsets of the whole: those of rank 0 begin with a zero.
void write_offsets(SharedHdf5& file, const std::string& array, const Part& queries,
                   const Part& parts, std::vector<std::int64_t> ends) {
  for (std::int64_t& end : ends) end += parts.begin;
  const bool first = queries.begin == 0;  // ranks without queries write the same zero
  if (first) ends.insert(ends.begin(), 0);
  file.write(array, (queries.begin + (first ? 0 : 1)) * std::int64_t{sizeof(std::int64_t)},
             values_of(ends));
}

void write_hdf5(const Communicator& comm, const Lists& lists, const std::string& path) {
  Columns columns;
  agree_on_input(comm, [&] { columns = columns_of(lists); });
  const Part queries(comm, std::ssize(lists.made.query));
  const Part entries(comm, std::ssize(columns.item));
  const Part bytes(comm, columns.id_ends.empty() ? 0 : columns.id_ends.back());
  const Hdf5File& dataset = lists.dataset.contents();
  const IdArrays item_ids{layout::kItemIdBytes, layout::kItemIdOffsets};
  std::vector<Hdf5Array> arrays = {
      {"query_ids/bytes", Hdf5Type::kByte, bytes.total},
      {"query_ids/offsets", Hdf5Type::kInt64, queries.total + 1},
      {"popular", Hdf5Type::kByte, queries.total},
      {"offsets", Hdf5Type::kInt64, queries.total + 1},
      {"item", Hdf5Type::kInt32, entries.total},
      {"score", Hdf5Type::kFloat, entries.total},
      {item_ids.bytes, Hdf5Type::kByte, dataset.length_of(item_ids.bytes)},
      {item_ids.offsets, Hdf5Type::kInt64, dataset.length_of(item_ids.offsets)}};
  if (lists.with_liked) arrays.push_back({"liked", Hdf5Type::kFloat, entries.total});
  SharedHdf5 file(comm, path, arrays, [&](Hdf5File& made) {
    made.set_attribute("siren_lists", kListFormatVersion);
    made.set_attribute(
        "kind", std::string_view(lists.kind == ListKind::kSimilar ? "similar" : "recommended"));
    made.set_attribute("program_version", std::string_view(kVersion));
  });
  file.write("query_ids/bytes", bytes.begin, [&](const Sink& sink) {
    PieceBuffer buffer(sink);
    each_query(lists, [&](std::size_t /*k*/, const std::string& id) { buffer.append(id); });
    buffer.flush();
  });
  write_offsets(file, "query_ids/offsets", queries, bytes, columns.id_ends);
  write_offsets(file, "offsets", queries, entries, columns.ends);
  file.write("popular", queries.begin, values_of(lists.made.popular));
  file.write("item", entries.begin * std::int64_t{sizeof(std::int32_t)}, values_of(columns.item));
  file.write("score", entries.begin * std::int64_t{sizeof(float)}, values_of(columns.score));
  if (lists.with_liked)
    file.write("liked", entries.begin * std::int64_t{sizeof(float)}, values_of(columns.liked));
  file.copy_ids(dataset, item_ids);
  agree_on_input(comm, [&] { lists.dataset.check_unchanged(); });
  file.publish();
}

}  // namespace

void write_lists(const Communicator& comm, const RankedLists& lists, ListKind kind,
                 const DatasetFile& dataset, const ListOutput& output) {
  Lists named{lists, kind, dataset, output.spreadsheet_safe, output.with_liked, false, {}};
  if (output.format == ListFormat::kHdf5) return write_hdf5(comm, named, output.path);
  const bool seen = comm.is_root() && output.path.empty() && stdout_is_terminal();
  named.to_terminal = comm.all_reduce(std::int32_t{seen}, Reduction::kMax) != 0;
  agree_on_input(comm, [&] { named.items = dataset.item_id_table(); });
  const Producer text = text_of(named, output.format, comm.is_root());
  const auto check = [&] { agree_on_input(comm, [&] { dataset.check_unchanged(); }); };
  check();
  if (output.path.empty()) {
    print_produced(comm, stdout, text);
    return check();  // ids of users are read on the way
  }
  SharedFile file(comm, output.path);
  file.append_produced(text);
  check();
  file.publish();
}

}  // namespace siren::inline ranking
