// SPDX-License-Identifier: Apache-2.0
// Between rows where they are owned and contiguous slabs of global rows, as files want them,
// through a bounded buffer. Rank r's slab is global rows [total r / P, total (r + 1) / P); it is
// passed in windows of a few thousand rows.
//
//   for (std::int64_t w = 0; w < slabs.windows(); ++w) {
//     const RowRange window = slabs.window(w);            // of this rank's slab; may be empty
//     slabs.collect(w, tensor, buffer);                    // owners -> slab, collective
//     ...write rows [window.begin, window.end)...
//   }
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "siren/comm/communicator.hpp"
#include "siren/core/ids.hpp"
#include "siren/io/state_tensor.hpp"

namespace siren {

class SlabExchange {
 public:
  /// `nodes` are the global rows of this rank's owned rows, ascending; all ranks together own each
  /// of [0, total) once. A row has `row_bytes` bytes in the slab.
  SlabExchange(const Communicator& comm,
               std::span<const NodeId> nodes,
               std::int64_t total,
               std::int64_t row_bytes);

  /// The same on every rank.
  std::int64_t windows() const { return windows_; }
  RowRange window(std::int64_t w) const { return window_of(comm_.rank(), w); }

  /// Collective. buffer [window rows x row_bytes] from the owners' rows of `table`.
  void collect(std::int64_t w, const StateTensor& table, std::vector<char>& buffer) const;
  /// Collective. The owners' rows of `table` from the slabs' buffers.
  void distribute(std::int64_t w, std::span<const char> buffer, StateTensor& table) const;

 private:
  RowRange window_of(int rank, std::int64_t w) const;
  /// Owned rows that fall into a window, as a range of `nodes`.
  RowRange owned_in(const RowRange& window) const;

  Communicator comm_;
  std::span<const NodeId> nodes_;
  std::int64_t total_;
  std::int64_t row_bytes_;
  std::int64_t window_rows_;
  std::int64_t windows_;
};

}  // namespace siren
