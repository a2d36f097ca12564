// SPDX-License-Identifier: Apache-2.0
// Between rows where they are owned and contiguous windows of global rows, as files want them.
//
//   SlabExchange slabs(comm, rows, row_bytes);
//   for (std::int64_t w = 0; w < slabs.windows(); ++w) {
//     const char* values = slabs.collect(w, table);    // owners -> window, collective
//     ...write rows slabs.window(w)...
//   }
//   for (std::int64_t w = 0; w < slabs.windows(); ++w) {
//     ...read rows slabs.window(w) into slabs.place(w, table)...
//     slabs.distribute(w, table);                      // window -> owners, collective
//   }
//
// If every rank's rows form few long runs of global rows (partition `block`), its windows are
// pieces of these runs: nothing travels, and rows without padding are not even copied. Otherwise
// rank r's windows are pieces of its slab, about [total r / P, total (r + 1) / P), and rows travel
// between slab and owner.
//
// Memory: three buffers of WindowRule::bytes at most, whatever the model, the partition and the
// number of ranks; rows leave from and arrive in the tables themselves.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "siren/communicator.hpp"
#include "siren/ids.hpp"
#include "train/state_tensor.hpp"

namespace siren::inline train {

struct WindowRule {
  std::int64_t bytes = std::int64_t{8} << 20;  // of a window, at most (but one unit at least)
  std::int64_t unit = 1;  // > 1: windows are pieces of slabs that begin at multiples of `unit` rows
};

class SlabExchange {
 public:
  /// Collective. A row has `row_bytes` bytes in the file.
  SlabExchange(const Communicator& comm, const TableRows& rows, std::int64_t row_bytes,
               const WindowRule& rule = {});

  /// The same on every rank.
  std::int64_t windows() const { return windows_; }
  bool rows_travel() const { return rows_travel_; }
  /// This rank's: global rows, may be empty.
  RowRange window(std::int64_t w) const;

  /// Collective, for rows that all ranks together own completely. The rows of window(w), packed, in
  /// memory of this object (until the next call) or of `table`.
  const char* collect(std::int64_t w, const StateTensor& table);

  /// Where to put the rows of window(w), packed, before distribute(w, table).
  char* place(std::int64_t w, const StateTensor& table);
  /// Collective. Fills the rows of `table`, on every rank those that it has.
  void distribute(std::int64_t w, const StateTensor& table);

 private:
  struct Meeting;

  RowRange slab_window(int rank, std::int64_t w) const;
  void cut_runs(std::size_t most);
  RowRange owned_in(const RowRange& window) const;
  bool in_place(const RowRange& window, const StateTensor& table) const;
  char* row_of(const StateTensor& table, std::int64_t owned) const;
  void copy_own(const RowRange& window, const StateTensor& table, bool into_window);
  Meeting meet(std::int64_t w);
  void receive_rows(const Meeting& meeting, const StateTensor& table);

  Communicator comm_;
  TableRows rows_;
  std::int64_t row_bytes_;
  std::int64_t unit_;
  std::int64_t window_rows_;
  std::int64_t windows_ = 0;
  bool rows_travel_ = false;
  std::vector<RowRange> runs_;    // pieces of at most window_rows_; unless rows travel
  std::vector<char> window_;      // [window rows x row_bytes]
  std::vector<NodeId> ids_;       // of the others' rows in this rank's window, by rank
  std::vector<char> travelling_;  // [ids x row_bytes] those rows
  std::vector<char> arrived_;     // rows from one slab, on their way to rows_.local
};

}  // namespace siren::inline train
