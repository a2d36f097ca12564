// SPDX-License-Identifier: Apache-2.0
// From ratings to a data set and back: what `prepare` accepts can be written and read.
#include "data/dataset_file.hpp"
#include "data/dataset_writer.hpp"
#include "fuzz/target.hpp"
#include "ingest/prepare.hpp"

namespace siren::fuzz {

namespace {

/// Next bits of a number, from its lowest.
class Draw {
 public:
  explicit Draw(std::uint64_t bits) : bits_(bits) {}
  std::uint64_t below(std::uint64_t count) {
    const std::uint64_t value = bits_ % count;
    bits_ /= count;
    return value;
  }

 private:
  std::uint64_t bits_;
};

PrepareConfig some_config(Bytes input) {
  Draw draw(hash_of(input));
  PrepareConfig config;
  config.output = scratch("d.h5");
  config.duplicates = static_cast<DuplicatePolicy>(draw.below(4));
  config.offset = draw.below(4) == 0 ? 0.0F : 3.5F;
  config.min_user_ratings = draw.below(4) == 0 ? 2 : 0;
  config.min_item_ratings = draw.below(4) == 0 ? 2 : 0;
  if (draw.below(4) == 0) config.valid_share = 0.25;
  if (draw.below(4) == 0) {  // half of the lines each
    const std::size_t middle = text_of(input).find('\n', input.size() / 2);
    const std::size_t cut = middle == std::string_view::npos ? input.size() : middle + 1;
    config.fold_files = {write_scratch("1.csv", input.first(cut)),
                         write_scratch("2.csv", input.subspan(cut))};
    return config;
  }
  config.input = {write_scratch("all.csv", input)};
  config.split = static_cast<SplitMethod>(1 + draw.below(4));
  if (config.split == SplitMethod::kKfold)
    config.folds = static_cast<std::int32_t>(2 + draw.below(6));
  config.cut_per_user = config.split == SplitMethod::kTemporal && draw.below(2) == 0;
  return config;
}

}  // namespace

void try_input(Bytes input) {
  evaluate([&] {
    const PrepareConfig config = some_config(input);
    config.validate();
    const PreparedDataset data = prepare_dataset(config);
    const std::string hash =
        write_dataset(config.output, {data.ratings, data.users, data.items, data.statistics,
                                      data.split, data.split_method, "siren prepare"});
    const DatasetFile file(config.output);
    file.verify();
    require(file.summary().content_hash == hash, "another content hash than was written");
    require(file.ratings(0, file.summary().ratings).value == data.ratings.value, "other ratings");
    for (std::int64_t user = 0; user < file.summary().users; ++user)
      require(file.user_id_table().find(data.users.at(user)) == user, "an id that is not found");
  });
}

}  // namespace siren::fuzz
