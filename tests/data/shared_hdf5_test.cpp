// SPDX-License-Identifier: Apache-2.0
#include "data/shared_hdf5.hpp"

#include <array>
#include <numeric>
#include <vector>

#include <gmock/gmock.h>

#include "data/row_dataset.hpp"
#include "siren/error.hpp"
#include "support/common_folder.hpp"

namespace siren {
namespace {

using test::CommonFolder;
using testing::ElementsAre;

template <class T>
Producer values_of(const std::vector<T>& values) {
  return [&values](const Sink& sink) {
    sink({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)});
  };
}

TEST(SharedHdf5, HoldsWhatEachRankWroteWhereItBelongs) {
  const Communicator comm = Communicator::world();
  const CommonFolder folder(comm);
  const std::int64_t ranks = comm.size();
  const std::int64_t rank = comm.rank();
  const std::array<Hdf5Array, 4> arrays = {Hdf5Array{"deep/rows", Hdf5Type::kFloat, ranks, 3},
                                           Hdf5Array{"ids/bytes", Hdf5Type::kByte, 2 * ranks},
                                           Hdf5Array{"ids/offsets", Hdf5Type::kInt64, ranks},
                                           Hdf5Array{"nothing", Hdf5Type::kInt32, 0}};
  {
    SharedHdf5 file(comm, folder.path("f.h5"), arrays,
                    [](Hdf5File& made) { made.set_attribute("version", std::int64_t{1}); });
    const auto value = static_cast<float>(rank);
    file.write("deep/rows", rank * 12, values_of(std::vector<float>{value, value + 0.5F, -value}));
    file.write("ids/bytes", 2 * rank,
               values_of(std::vector<char>{'a', static_cast<char>('0' + rank)}));
    file.write("ids/offsets", 8 * rank, values_of(std::vector<std::int64_t>{2 * rank}));
    file.write("nothing", 0, values_of(std::vector<std::int32_t>{}));
    file.publish();
  }
  comm.barrier();
  const Hdf5File read = Hdf5File::open_read_only(folder.path("f.h5"));
  EXPECT_EQ(read.int_attribute("version"), 1);
  const RowDataset rows(read, "deep/rows");
  for (std::int64_t r = 0; r < ranks; ++r) {
    std::array<float, 3> row{};
    rows.read({r, r + 1}, reinterpret_cast<char*>(row.data()), 4);
    const auto value = static_cast<float>(r);
    EXPECT_THAT(row, ElementsAre(value, value + 0.5F, -value));
    EXPECT_THAT(read.read<char>("ids/bytes", 2 * r, 2 * r + 2),
                ElementsAre('a', static_cast<char>('0' + r)));
    EXPECT_THAT(read.read<std::int64_t>("ids/offsets", r, r + 1), ElementsAre(2 * r));
  }
  EXPECT_EQ(read.length_of("nothing"), 0);
  comm.barrier();

  const std::array<Hdf5Array, 2> copies = {Hdf5Array{"ids/bytes", Hdf5Type::kByte, 2 * ranks},
                                           Hdf5Array{"ids/offsets", Hdf5Type::kInt64, ranks}};
  SharedHdf5 copy(comm, folder.path("copy.h5"), copies, [](Hdf5File& /*made*/) {});
  copy.copy_ids(read, {"ids/bytes", "ids/offsets"});
  copy.publish();
  comm.barrier();
  const Hdf5File copied = Hdf5File::open_read_only(folder.path("copy.h5"));
  EXPECT_EQ(copied.read<char>("ids/bytes", 0, 2 * ranks),
            read.read<char>("ids/bytes", 0, 2 * ranks));
  EXPECT_EQ(copied.read<std::int64_t>("ids/offsets", 0, ranks),
            read.read<std::int64_t>("ids/offsets", 0, ranks));
}

TEST(SharedHdf5, LeavesNothingIfItCannotBeMade) {
  const Communicator comm = Communicator::world();
  const CommonFolder folder(comm);
  const std::array<Hdf5Array, 1> arrays = {Hdf5Array{"a", Hdf5Type::kByte, 1}};
  EXPECT_EQ(test::input_error([&] {
              const SharedHdf5 file(comm, folder.path("f.h5"), arrays,
                                    [](Hdf5File& /*made*/) { throw InputError("no"); });
            }),
            "no");
  if (folder.roots()) {
    EXPECT_EQ(folder.roots()->files(), 0);
  }
}

}  // namespace
}  // namespace siren
