// SPDX-License-Identifier: Apache-2.0
// Ratings as text: every input through every format, each with options drawn from its hash.
#include <array>
#include <cmath>

#include "fuzz/target.hpp"
#include "ingest/ratings_reader.hpp"

namespace siren::fuzz {

namespace {

RatingsFormat some_options(TextFormat format, std::uint64_t draw) {
  constexpr std::array<const char*, 12> kColumns = {"1,2,3",
                                                    "1,2,3,4",
                                                    "3,1,2",
                                                    "user,item,rating",
                                                    "userId,movieId,rating,timestamp",
                                                    "a,b,c",
                                                    "user_id,item_id,stars",
                                                    "1,2,2147483648",
                                                    "0,1,2",
                                                    "user,item,rating,time",
                                                    "4,3,2,1",
                                                    "u:token,i:token,r:float"};
  RatingsFormat options;
  options.format = format;
  options.header = static_cast<HeaderMode>(draw % 3);
  if ((draw >> 8 & 1) != 0)
    options.columns = parse_columns(kColumns[(draw >> 9) % kColumns.size()]);
  if ((draw >> 16 & 3) == 0) options.skip_lines = static_cast<std::int64_t>((draw >> 18) % 4);
  if ((draw >> 24 & 3) == 0) options.min_value = 1.0F;
  if ((draw >> 26 & 3) == 0) options.max_value = 5.0F;
  return options;
}

void read_all(const std::string& path, const RatingsFormat& options) {
  RatingsReader reader(path, options);
  RatingRow row;
  while (reader.next(row)) {
    require(!row.user.empty() && !row.item.empty(), "an id is empty");
    require(std::isfinite(row.value), "a rating is not finite");
    require(row.value >= options.min_value.value_or(row.value), "a rating is below the least");
    require(row.value <= options.max_value.value_or(row.value), "a rating is above the greatest");
  }
}

}  // namespace

void try_input(Bytes input) {
  const std::string path = write_scratch("ratings.txt", input);
  std::uint64_t draw = hash_of(input);
  for (const TextFormat format :
       {TextFormat::kAuto, TextFormat::kCsv, TextFormat::kTsv, TextFormat::kSpace,
        TextFormat::kMovieLens, TextFormat::kInter, TextFormat::kJsonLines}) {
    evaluate([&] { read_all(path, some_options(format, draw)); });
    draw = draw << 7 | draw >> 57;
  }
}

}  // namespace siren::fuzz
