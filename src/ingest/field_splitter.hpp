// SPDX-License-Identifier: Apache-2.0
// One line of a delimited text file as its fields.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace siren::inline ingest {

enum class Delimiter { kComma, kTab, kBlanks, kDoubleColon, kSemicolon, kPipe };

/// Blanks around a field are not part of it. With kComma, kSemicolon and kPipe, fields follow RFC
/// 4180: in double quotes they may hold separators, line ends and doubled quotes, and their blanks
/// count. With kBlanks, any run of blanks and tabs separates. Fields are views of the line or of an inner buffer, valid
/// until the next split().
class FieldSplitter {
 public:
  explicit FieldSplitter(Delimiter delimiter) : delimiter_(delimiter) {}

  /// False if a quoted field is still open at the end of `record`: the caller appends a line end
  /// and the next line, and tries again.
  bool split(std::string_view record);

  std::span<const std::string_view> fields() const { return fields_; }

 private:
  bool split_unless_open(std::string_view record, char separator);
  void split_single(std::string_view record, char separator);
  void split_double_colon(std::string_view record);
  void split_blanks(std::string_view record);
  bool split_quoted(std::string_view record, char separator);
  bool take_quoted(std::string_view record, char separator, std::size_t& at);

  Delimiter delimiter_;
  std::vector<std::string_view> fields_;
  std::string unquoted_;  // contents of quoted fields; never reallocates within one split()
};

}  // namespace siren::inline ingest
