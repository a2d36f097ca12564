// SPDX-License-Identifier: Apache-2.0
#include "ingest/shown_text.hpp"

namespace siren::inline ingest {
namespace {

/// Of a UTF-8 sequence: 10xxxxxx. A sequence has at most three of them.
constexpr bool continues_sequence(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}
constexpr int kMostContinuations = 3;

}  // namespace

std::string shown(std::string_view text, std::size_t most) {
  constexpr std::string_view kOmission = "...";
  if (text.size() <= most) return std::string(text);
  std::size_t end = most > kOmission.size() ? most - kOmission.size() : 0;
  for (int back = 0; back < kMostContinuations && end > 0 && continues_sequence(text[end]); ++back)
    --end;
  return std::string(text.substr(0, end)).append(kOmission);
}

std::string shown_list(std::span<const std::string_view> texts, std::size_t most) {
  std::string list;
  for (const std::string_view text : texts) {
    if (!list.empty()) list += ", ";
    list += text;
    if (list.size() > most) break;
  }
  return shown(list, most);
}

}  // namespace siren::inline ingest
