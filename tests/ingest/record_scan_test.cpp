// SPDX-License-Identifier: Apache-2.0
#include "ingest/record_scan.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>

namespace siren {
namespace {

/// Records as FieldSplitter takes them: lines, joined while a quote is open. Where each begins.
std::vector<std::size_t> records_of(const std::string& text) {
  FieldSplitter splitter(Delimiter::kComma);
  std::vector<std::size_t> begins;
  for (std::size_t begin = 0; begin < text.size();) {
    begins.push_back(begin);
    std::size_t end = begin;
    do {
      end = text.find('\n', end);
      if (end == std::string::npos) return begins;
      ++end;
    } while (!splitter.split(std::string_view(text).substr(begin, end - 1 - begin)));
    begin = end;
  }
  return begins;
}

/// All texts of `length` letters that decide anything.
std::vector<std::string> all_texts(int length) {
  std::vector<std::string> texts = {""};
  for (int at = 0; at < length; ++at) {
    std::vector<std::string> longer;
    for (const std::string& text : texts)
      for (const char c : {'"', ',', '\n', 'a', ' '}) longer.push_back(text + c);
    texts = std::move(longer);
  }
  return texts;
}

TEST(RecordScan, FindsTheRecordsOfTheSplitter) {
  const RecordScan scan(Delimiter::kComma);
  for (const std::string& text : all_texts(7)) {
    std::vector<std::size_t> found = {0};
    auto state = RecordState::kFieldBegins;
    while (const auto next = scan.find_record(state, std::string_view(text).substr(found.back())))
      found.push_back(found.back() + *next);
    if (found.back() == text.size()) found.pop_back();
    ASSERT_EQ(found, records_of(text)) << text;
  }
}

TEST(RecordScan, EffectsOfPiecesGiveTheStateBehindThem) {
  const RecordScan scan(Delimiter::kComma);
  for (const std::string& text : all_texts(5)) {
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
      RecordEffect whole;
      RecordEffect first;
      RecordEffect second;
      scan.extend(whole, text);
      scan.extend(first, std::string_view(text).substr(0, cut));
      scan.extend(second, std::string_view(text).substr(cut));
      for (const auto state : {RecordState::kFieldBegins, RecordState::kUnquoted,
                               RecordState::kQuoted, RecordState::kQuoteSeen})
        ASSERT_EQ(second.of(first.of(state)), whole.of(state)) << text << " at " << cut;
    }
  }
}

TEST(RecordScan, EveryLineIsARecordWithoutQuotes) {
  for (const auto delimiter : {std::optional<Delimiter>(), std::optional(Delimiter::kTab)}) {
    const RecordScan scan(delimiter);
    auto state = RecordState::kFieldBegins;
    EXPECT_FALSE(scan.has_quotes());
    EXPECT_EQ(scan.find_record(state, "a\"b\nc"), 4U);
    EXPECT_EQ(scan.find_record(state, "a\"b"), std::nullopt);
  }
}

}  // namespace
}  // namespace siren
