// SPDX-License-Identifier: Apache-2.0
// The only way the rest of the program talks to other ranks: about a dozen typed calls on spans.
//
// Collective calls must be made by every rank of the communicator in the same order. A failing MPI
// call becomes an EnvironmentError that names the operation and the rank. Counts are elements.
// A program of one process does without MPI: Communicator::alone() has the same calls, all local.
//
//   Communicator comm = Communicator::world();
//   const std::int64_t total = comm.all_reduce(local, Reduction::kSum);
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include <mpi.h>

#include "siren/datatype.hpp"
#include "siren/request_set.hpp"

namespace siren::inline comm {

enum class Reduction { kSum, kMin, kMax };

/// One value per kind of point-to-point traffic that may be in flight at the same time.
enum class Tag : int {
  kExpand = 1,
  kFold = 2,
  kRowRequest = 3,
  kBatchRows = 4,
  kBatchGradients = 5,
  kTile = 6,
  kSlab = 7,
  kHash = 8
};

/// What such traffic is for, as people call it.
const char* name_of(Tag tag);

/// What an all_to_all_v delivered: the values grouped by source rank, and how many came from each.
template <class T>
struct Received {
  std::vector<T> values;
  std::vector<std::int64_t> counts;  // [size]
};

class Communicator {
 public:
  /// A private duplicate of the world communicator (no tag of ours can meet a library's), whose
  /// errors come back as codes instead of killing the process.
  static Communicator world();

  /// The one rank of a process that has not started MPI: nothing is sent, nobody is waited for, and
  /// there is no get(). It sends nothing to itself.
  static Communicator alone();

  /// Collective. Ranks with the same color form a new communicator, ordered by key.
  Communicator split(int color, int key) const;

  /// Collective. The ranks that share this rank's memory.
  Communicator split_by_node() const;

  int rank() const { return rank_; }
  int size() const { return size_; }
  bool is_root() const { return rank_ == 0; }
  /// Whether messages to that rank of this communicator stay on this node.
  bool shares_node(int rank) const { return (*on_this_node_)[static_cast<std::size_t>(rank)]; }

  /// Ranks of this communicator that share this rank's node, itself included.
  int ranks_on_node() const;

  void barrier() const;

  template <Wire T>
  void broadcast(std::span<T> values, int root = 0) const {
    broadcast_bytes(values.data(), values.size_bytes(), root);
  }
  template <Wire T>
  void broadcast(std::vector<T>& values, int root = 0) const;
  void broadcast(std::string& text, int root = 0) const;

  template <Reducible T>
  T all_reduce(T value, Reduction op) const {
    all_reduce(std::span<T>(&value, 1), op);
    return value;
  }
  /// In place. For floating sums the order is MPI's: use OrderedAllReduce where bits matter.
  template <Reducible T>
  void all_reduce(std::span<T> values, Reduction op) const {
    all_reduce_raw(values.data(), static_cast<std::int64_t>(values.size()), arithmetic_type<T>(),
                   op);
  }

  /// One value per rank, in rank order, on every rank.
  template <Wire T>
  std::vector<T> all_gather(const T& value) const;
  /// Spans of any length, concatenated in rank order, on every rank.
  template <Wire T>
  std::vector<T> all_gather_v(std::span<const T> values) const;
  /// Like all_gather_v, on `root` only (empty elsewhere).
  std::vector<std::string> gather_text(const std::string& text, int root = 0) const;

  /// send_counts[r] elements of `values` (grouped by destination, in rank order) go to rank r.
  template <Wire T>
  Received<T> all_to_all_v(std::span<const T> values,
                           std::span<const std::int64_t> send_counts) const;

  /// Point to point, nonblocking: `count` elements of `type`. The buffer must live until the set
  /// has been waited for. Zero elements start nothing.
  void start_send(RequestSet& set, const void* data, std::int64_t count, const ElementType& type,
                  int to, Tag tag) const;
  void start_receive(RequestSet& set, void* data, std::int64_t count, const ElementType& type,
                     int from, Tag tag) const;

  /// An empty message: tells that something has happened, e.g. in memory that both ranks see.
  void start_telling(RequestSet& set, int rank, Tag tag) const;
  void start_hearing(RequestSet& set, int rank, Tag tag) const;

  /// Nonblocking exchange of one integer with every rank.
  void start_all_to_all(RequestSet& set, std::span<const std::int32_t> send,
                        std::span<std::int32_t> receive) const;

  /// False for alone() and its parts.
  bool has_mpi() const { return comm_ != MPI_COMM_NULL; }
  MPI_Comm get() const { return comm_; }

  /// Ends the whole job at once; for failures that other ranks cannot know of.
  [[noreturn]] void abort(int code) const;

 private:
  Communicator() = default;
  /// Collective.
  Communicator(MPI_Comm comm, const char* origin);

  /// Waits for a collective operation that was started. All that blocks goes through RequestSet.
  static void finish(MPI_Request request, const char* operation);
  void broadcast_bytes(void* data, std::size_t bytes, int root) const;
  void all_reduce_raw(void* data, std::int64_t count, MPI_Datatype type, Reduction op) const;
  void all_gather_v_raw(const void* send, std::int64_t count, void* receive,
                        std::span<const std::int64_t> counts, std::size_t element_bytes) const;
  void all_to_all_v_raw(const void* send, std::span<const std::int64_t> send_counts, void* receive,
                        std::span<const std::int64_t> receive_counts,
                        std::size_t element_bytes) const;
  std::vector<std::int64_t> exchange_counts(std::span<const std::int64_t> send_counts) const;

  MPI_Comm comm_ =
      MPI_COMM_NULL;  // lives until MPI_Finalize: freeing is collective, destructors are not
  int rank_ = 0;
  int size_ = 1;
  std::shared_ptr<const std::vector<bool>> on_this_node_ =  // [size]
      std::make_shared<const std::vector<bool>>(1, true);
};

/// Throws an EnvironmentError naming `operation` unless `code` is MPI_SUCCESS.
void check_mpi(int code, const char* operation);

/// Runs `work` on this rank (it must not communicate) and makes the verdict common: if it threw an
/// InputError or EnvironmentError on any rank, every rank throws that of the lowest such rank.
/// Collective.
void agree_on_input(const Communicator& comm, const std::function<void()>& work);

// ---- inline parts

template <Wire T>
void Communicator::broadcast(std::vector<T>& values, int root) const {
  std::int64_t count = static_cast<std::int64_t>(values.size());
  broadcast_bytes(&count, sizeof count, root);
  values.resize(static_cast<std::size_t>(count));
  broadcast_bytes(values.data(), values.size() * sizeof(T), root);
}

template <Wire T>
std::vector<T> Communicator::all_gather(const T& value) const {
  return all_gather_v(std::span<const T>(&value, 1));
}

template <Wire T>
std::vector<T> Communicator::all_gather_v(std::span<const T> values) const {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(size_), 0);
  const std::int64_t mine = static_cast<std::int64_t>(values.size());
  const std::vector<std::int64_t> ones(counts.size(), 1);
  all_gather_v_raw(&mine, 1, counts.data(), ones, sizeof mine);
  std::vector<T> all(
      static_cast<std::size_t>(std::accumulate(counts.begin(), counts.end(), std::int64_t{0})));
  all_gather_v_raw(values.data(), mine, all.data(), counts, sizeof(T));
  return all;
}

template <Wire T>
Received<T> Communicator::all_to_all_v(std::span<const T> values,
                                       std::span<const std::int64_t> send_counts) const {
  const std::int64_t to_send =
      std::accumulate(send_counts.begin(), send_counts.end(), std::int64_t{0});
  SIREN_ASSERT(to_send == static_cast<std::int64_t>(values.size()), "counts say {} of {} values",
               to_send, values.size());
  Received<T> got;
  got.counts = exchange_counts(send_counts);
  got.values.resize(static_cast<std::size_t>(
      std::accumulate(got.counts.begin(), got.counts.end(), std::int64_t{0})));
  all_to_all_v_raw(values.data(), send_counts, got.values.data(), got.counts, sizeof(T));
  return got;
}

}  // namespace siren::inline comm
