// SPDX-License-Identifier: Apache-2.0
#include "comm/link_trial.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "core/timer.hpp"

namespace siren::inline comm {

namespace {

constexpr std::int64_t kBigBytes = std::int64_t{4} << 20;
constexpr std::int64_t kSmallBytes = 8;
constexpr int kRepeats = 6;
constexpr int kRoundTrips = 20;
constexpr int kNobody = -1;
constexpr Tag kTag = Tag::kTile;  // nothing else is in flight

/// Of the two ranks.
class Pair {
 public:
  Pair(const Communicator& comm, int peer)
      : comm_(comm), peer_(peer), out_(kBigBytes, 'x'), in_(kBigBytes) {}

  double seconds_of_exchange() {
    return best([&] {
      RequestSet requests;
      comm_.start_receive(requests, in_.data(), kBigBytes, byte_, peer_, kTag);
      comm_.start_send(requests, out_.data(), kBigBytes, byte_, peer_, kTag);
      requests.wait_all();
    });
  }

  double seconds_of_message(bool first) {
    return best([&] {
             for (int trip = 0; trip < kRoundTrips; ++trip) {
               move(first);
               move(!first);
             }
           }) /
           (2.0 * kRoundTrips);
  }

 private:
  template <class Work>
  static double best(const Work& work) {
    double seconds = std::numeric_limits<double>::infinity();
    for (int repeat = 0; repeat < kRepeats; ++repeat) {
      const Stopwatch watch;
      work();
      seconds = std::min(seconds, watch.seconds());
    }
    return seconds;
  }

  void move(bool send) {
    RequestSet requests;
    if (send)
      comm_.start_send(requests, out_.data(), kSmallBytes, byte_, peer_, kTag);
    else
      comm_.start_receive(requests, in_.data(), kSmallBytes, byte_, peer_, kTag);
    requests.wait_all();
  }

  const Communicator& comm_;
  int peer_;
  ElementType byte_{1};
  std::vector<char> out_;
  std::vector<char> in_;
};

LinkTrial try_link(const Communicator& comm, int peer) {
  LinkTrial trial;
  if (peer == kNobody) return trial;
  comm.barrier();
  if (comm.rank() == 0 || comm.rank() == peer) {
    Pair pair(comm, comm.rank() == 0 ? peer : 0);
    trial.bytes_per_second = static_cast<double>(kBigBytes) / pair.seconds_of_exchange();
    trial.latency_seconds = pair.seconds_of_message(comm.rank() == 0);
  }
  comm.broadcast(std::span<LinkTrial>(&trial, 1));
  return trial;
}

}  // namespace

LinkTrials try_links(const Communicator& comm) {
  std::vector<std::int32_t> peers = {kNobody, kNobody};  // rank 0's: on its node, elsewhere
  for (int rank = comm.size() - 1; rank > 0; --rank) peers[comm.shares_node(rank) ? 0 : 1] = rank;
  comm.broadcast(peers);
  return {try_link(comm, peers[0]), try_link(comm, peers[1])};
}

}  // namespace siren::inline comm
