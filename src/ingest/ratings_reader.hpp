// SPDX-License-Identifier: Apache-2.0
// A ratings file row by row, checked.
//
//   RatingsReader reader("ratings.csv", RatingsFormat{});
//   RatingRow row;
//   while (reader.next(row)) add(row.user, row.item, row.value);
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "ingest/column_notes.hpp"
#include "ingest/field_splitter.hpp"
#include "ingest/json_rating.hpp"
#include "ingest/line_reader.hpp"
#include "ingest/ratings_format.hpp"
#include "ingest/record_scan.hpp"

namespace siren::inline ingest {

/// Views are valid until the reader's next call. Ids are not empty, the value is finite.
struct RatingRow {
  std::string_view user;
  std::string_view item;
  float value = 0.0F;
  std::int64_t timestamp = 0;  // if has_time()
};

/// Blank lines are passed over. Whatever else is not a rating is an InputError "file:line: ...".
class RatingsReader {
 public:
  /// Reads as far as the first rating, to learn the format.
  RatingsReader(const std::string& path, const RatingsFormat& format);

  bool next(RatingRow& row);

  const std::string& path() const { return lines_.path(); }
  bool has_time() const;
  TextFormat format() const { return format_; }
  /// What the columns were taken for, and what the ratings read so far say about it.
  const ColumnNotes& notes() const { return notes_; }
  /// The number of the line on which the last row began.
  std::int64_t line_number() const { return lines_.lines_before() + row_line_; }

  /// Of plain files, not of pipes: a part of the file can be read alone.
  bool compressed() const { return lines_.compressed(); }
  /// Where the first rating begins, in bytes; to be asked before the first next().
  std::int64_t first_row() const { return record_begin_; }
  /// How to find out where others begin.
  RecordScan scan() const;
  /// From now on the rows that begin at bytes [begin, end); there begins a record, unless begin is
  /// no more than first_row().
  void restrict_to(std::int64_t begin, std::int64_t end);

 private:
  bool next_record();
  void learn_layout();
  void learn_columns();
  void learn_keys();
  void refuse_array() const;
  void refuse_comment() const;
  std::string first_record() const;
  void split_record();
  void pick_fields();
  void pick_members();
  void convert(RatingRow& row) const;
  float checked_value(std::string_view text) const;
  std::string rating_advice(std::string_view text) const;
  std::string place() const;

  LineReader lines_;
  RatingsFormat wanted_;
  TextFormat format_;
  FieldSplitter splitter_;
  ColumnLayout columns_;
  KeyLayout keys_;
  JsonFields json_;
  ColumnNotes notes_;
  std::string_view record_;
  std::string joined_;  // a record of several lines
  std::array<std::string_view, kColumnRoles> text_;
  std::int64_t row_line_ = 0;
  std::int64_t record_begin_ = 0;  // of record_, or of the next one until that is read
  std::int64_t end_ = std::numeric_limits<std::int64_t>::max();  // no row begins there or behind
  bool pending_ = false;  // record_ holds a row that has not been returned
};

}  // namespace siren::inline ingest
