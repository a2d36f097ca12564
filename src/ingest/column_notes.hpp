// SPDX-License-Identifier: Apache-2.0
// What the columns of a ratings file were taken for, and what is doubtful about it: for people.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/ratings_format.hpp"

namespace siren::inline ingest {

/// Looks at the first ratings of a file. Columns are numbered from 0 here, from 1 in all texts.
class ColumnNotes {
 public:
  static constexpr int kLooked = 1000;  // ratings that it looks at

  ColumnNotes() = default;
  /// `names` of all columns; empty texts without a header.
  ColumnNotes(const ColumnLayout& layout, std::vector<std::string> names);
  /// Of JSON objects: each key of the first is a column.
  ColumnNotes(const KeyLayout& layout, std::vector<std::string> keys);

  /// The next rating's fields, one for each column, as long as it wants_more().
  void see(std::span<const std::string_view> fields);
  bool wants_more() const { return seen_ < kLooked; }

  /// `user = column 1 ("who"), item = column 2 ("what"), ..., no time; left unread: column 5`.
  std::string taken() const;
  /// How to read an unread column that looks like times, as a clause; empty if there is none, or if
  /// a time is read.
  std::string unread_time() const;
  /// "3,5", if all ratings seen and the unread column behind them may be such numbers; else empty.
  std::string split_number() const;

  /// The first of four or more columns holds whole numbers, and the fourth no times, as it would in
  /// user, item, rating, time.
  bool like_line_numbers() const;
  /// The first columns were taken as they stand: no header and no --columns names them.
  bool guessed() const { return guessed_; }
  std::size_t columns() const { return names_.size(); }
  /// "1,2,3", for --columns: what was taken.
  std::string positions() const;
  /// "2,3,4", or "2,3,4,5" if the fifth looks like times: the same without the first column.
  std::string positions_behind_first() const;

 private:
  bool is_read(std::size_t column) const;
  bool is_like_time(std::size_t column) const { return seen_ > 0 && like_time_[column]; }
  std::string label(std::size_t column) const;

  std::vector<std::string> names_;
  std::array<std::int32_t, kColumnRoles> position_{};
  bool keyed_ = false;
  bool guessed_ = false;
  int seen_ = 0;
  std::vector<std::string> first_;  // fields of the first rating
  std::vector<bool> like_time_;     // of each column, in all ratings seen
  bool like_split_number_ = false;
  bool first_is_number_ = true;  // the first column, in all ratings seen
};

}  // namespace siren::inline ingest
