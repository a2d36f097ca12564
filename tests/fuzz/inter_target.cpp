// SPDX-License-Identifier: Apache-2.0
// Ratings with a first line of name:type pairs.
#include "fuzz/target.hpp"
#include "ingest/ratings_reader.hpp"

namespace siren::fuzz {

void try_input(Bytes input) {
  const std::string path = write_scratch("ratings.inter", input);
  const std::uint64_t draw = hash_of(input);
  evaluate([&] {
    RatingsFormat format;
    if (draw % 2 == 0) format.format = TextFormat::kInter;
    format.header = static_cast<HeaderMode>(draw / 2 % 3);
    if (draw / 8 % 4 == 0) format.columns = {"user_id", "item_id", "rating"};
    if (draw / 8 % 4 == 1) format.columns = {"user_id:token", "item_id:token", "rating:float"};
    if (draw / 32 % 8 == 0) format.columns = {"1", "2", "3", "4"};
    RatingsReader reader(path, format);
    RatingRow row;
    while (reader.next(row)) require(!row.user.empty() && !row.item.empty(), "an id is empty");
  });
}

}  // namespace siren::fuzz
