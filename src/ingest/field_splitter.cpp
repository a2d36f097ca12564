// SPDX-License-Identifier: Apache-2.0
#include "ingest/field_splitter.hpp"

#include "core/text.hpp"

namespace siren::inline ingest {
namespace {

constexpr bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

}  // namespace

bool FieldSplitter::split(std::string_view record) {
  fields_.clear();
  switch (delimiter_) {
    case Delimiter::kComma:
      return split_unless_open(record, ',');
    case Delimiter::kSemicolon:
      return split_unless_open(record, ';');
    case Delimiter::kPipe:
      return split_unless_open(record, '|');
    case Delimiter::kTab:
      split_single(record, '\t');
      break;
    case Delimiter::kDoubleColon:
      split_double_colon(record);
      break;
    case Delimiter::kBlanks:
      split_blanks(record);
      break;
  }
  return true;
}

/// False if a quoted field stays open.
bool FieldSplitter::split_unless_open(std::string_view record, char separator) {
  if (record.find('"') != std::string_view::npos) return split_quoted(record, separator);
  split_single(record, separator);
  return true;
}

void FieldSplitter::split_single(std::string_view record, char separator) {
  std::size_t begin = 0;
  for (std::size_t at = 0; at < record.size(); ++at) {
    if (record[at] != separator) continue;
    fields_.push_back(trimmed(record.substr(begin, at - begin)));
    begin = at + 1;
  }
  fields_.push_back(trimmed(record.substr(begin)));
}

void FieldSplitter::split_double_colon(std::string_view record) {
  std::size_t begin = 0;
  for (std::size_t at; (at = record.find("::", begin)) != std::string_view::npos; begin = at + 2)
    fields_.push_back(trimmed(record.substr(begin, at - begin)));
  fields_.push_back(trimmed(record.substr(begin)));
}

void FieldSplitter::split_blanks(std::string_view record) {
  std::size_t at = 0;
  while (true) {
    while (at < record.size() && is_blank(record[at])) ++at;
    if (at == record.size()) return;
    const std::size_t begin = at;
    while (at < record.size() && !is_blank(record[at])) ++at;
    fields_.push_back(record.substr(begin, at - begin));
  }
}

bool FieldSplitter::split_quoted(std::string_view record, char separator) {
  unquoted_.clear();
  unquoted_.reserve(record.size());
  std::size_t at = 0;
  while (true) {
    while (at < record.size() && is_blank(record[at])) ++at;
    if (at < record.size() && record[at] == '"') {
      if (!take_quoted(record, separator, at)) return false;
    } else {
      const std::size_t stop = std::min(record.find(separator, at), record.size());
      fields_.push_back(trimmed(record.substr(at, stop - at)));
      at = stop;
    }
    if (at == record.size()) return true;
    ++at;
  }
}

/// Takes the field whose opening quote is at `at`; leaves `at` on the separator behind it or at
/// the end.
bool FieldSplitter::take_quoted(std::string_view record, char separator, std::size_t& at) {
  const std::size_t begin = unquoted_.size();
  for (++at;; ++at) {
    const std::size_t quote = record.find('"', at);
    if (quote == std::string_view::npos) return false;
    unquoted_.append(record, at, quote - at);
    at = quote + 1;
    if (at == record.size() || record[at] != '"') break;
    unquoted_ += '"';
  }
  const std::size_t stop = std::min(record.find(separator, at), record.size());
  unquoted_.append(trimmed(record.substr(at, stop - at)));
  at = stop;
  fields_.push_back(std::string_view(unquoted_).substr(begin));
  return true;
}

}  // namespace siren::inline ingest
