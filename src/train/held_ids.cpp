// SPDX-License-Identifier: Apache-2.0
#include "train/held_ids.hpp"

#include "data/dataset_layout.hpp"
#include "siren/ids.hpp"

namespace siren::inline train {

namespace {

RowRange share_of(int rank, int ranks, std::int64_t length) {
  return {length * rank / ranks, length * (rank + 1) / ranks};
}

template <class T>
ArrayShare<T> read_share(const Communicator& comm, const Hdf5File& file, const char* name) {
  const std::int64_t length = file.length_of(name);
  const RowRange mine = share_of(comm.rank(), comm.size(), length);
  return {length, mine.begin, file.read<T>(name, mine.begin, mine.end)};
}

}  // namespace

HeldIds::HeldIds(const Communicator& comm, const DatasetFile& dataset) {
  const Hdf5File& file = dataset.contents();
  sides_[0] = {read_share<char>(comm, file, layout::kUserIdBytes),
               read_share<std::int64_t>(comm, file, layout::kUserIdOffsets),
               dataset.summary().user_ids_numeric};
  sides_[1] = {read_share<char>(comm, file, layout::kItemIdBytes),
               read_share<std::int64_t>(comm, file, layout::kItemIdOffsets),
               dataset.summary().item_ids_numeric};
}

std::int64_t HeldIds::memory() const {
  std::size_t bytes = 0;
  for (const Side& side : sides_)
    bytes += side.bytes.values.size() + side.offsets.values.size() * sizeof(std::int64_t);
  return static_cast<std::int64_t>(bytes);
}

std::int64_t HeldIds::memory_on(const DatasetFile& dataset, int rank, int ranks) {
  const Hdf5File& file = dataset.contents();
  std::int64_t bytes = 0;
  for (const char* name : {layout::kUserIdBytes, layout::kItemIdBytes})
    bytes += share_of(rank, ranks, file.length_of(name)).size();
  for (const char* name : {layout::kUserIdOffsets, layout::kItemIdOffsets})
    bytes +=
        share_of(rank, ranks, file.length_of(name)).size() * std::int64_t{sizeof(std::int64_t)};
  return bytes;
}

}  // namespace siren::inline train
