// SPDX-License-Identifier: Apache-2.0
// Ratings as JSON lines: the first line by itself, then the whole as a file.
#include <array>

#include "fuzz/target.hpp"
#include "ingest/json_rating.hpp"
#include "ingest/ratings_reader.hpp"

namespace siren::fuzz {

namespace {

const std::array kLayouts = {KeyLayout{"user_id", "business_id", "stars", "date"},
                             KeyLayout{"reviewerID", "asin", "overall", ""},
                             KeyLayout{"a", "b", "c", "d"}};

/// Both readers of one object must agree on what is one.
void try_line(std::string_view line) {
  const std::vector<std::string> keys = json_keys(line);
  JsonFields fields;
  for (const KeyLayout& layout : kLayouts) {
    const bool read = read_json_fields(line, layout, fields);
    require(!read || !keys.empty() || fields.found == JsonFields().found,
            "members of what is no object");
  }
}

}  // namespace

void try_input(Bytes input) {
  const std::string_view text = text_of(input);
  evaluate([&] { try_line(text.substr(0, text.find('\n'))); });
  const std::string path = write_scratch("ratings.jsonl", input);
  const std::uint64_t draw = hash_of(input);
  evaluate([&] {
    RatingsFormat format;
    if (draw % 2 == 0) format.format = TextFormat::kJsonLines;
    if (draw / 2 % 4 == 0) format.columns = {"a", "b", "c"};
    if (draw / 8 % 4 == 0) format.columns = {"user_id", "business_id", "stars", "date"};
    if (draw / 32 % 8 == 0) format.columns = {"1", "2", "3"};
    RatingsReader reader(path, format);
    RatingRow row;
    while (reader.next(row)) require(!row.user.empty() && !row.item.empty(), "an id is empty");
  });
}

}  // namespace siren::fuzz
