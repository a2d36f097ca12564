// SPDX-License-Identifier: Apache-2.0
// Where a rank's seconds and bytes go, by phase of the training step.
//
//   PhaseClock clock;
//   { auto scope = clock.enter(Phase::kProduct); ... }   // nested scopes pause the outer one
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace siren::inline core {

enum class Phase : std::uint8_t {
  kSample,   // negatives, unique rows, plan of the batch
  kExpand,   // packing rows for the ranks that use them
  kProduct,  // sparse products
  kFold,     // adding the partial sums of other ranks
  kDense,    // MLP and attention, forward and backward
  kLoss,     // scores, loss, gradients of the batch's rows
  kReduce,   // packing and starting the sum of dense gradients
  kAdam,     // optimiser
  kWait,     // blocked in communication with nothing left to compute
  kEvaluate,
  kOther,
};
inline constexpr std::size_t kPhases = 11;

std::string_view name_of(Phase phase);

/// What a rank sent to other ranks, and how much of it left the node.
struct SentBytes {
  std::int64_t all = 0;
  std::int64_t between_nodes = 0;

  void add(std::int64_t bytes, bool same_node) {
    all += bytes;
    if (!same_node) between_nodes += bytes;
  }
  SentBytes& operator+=(const SentBytes& more) {
    all += more.all;
    between_nodes += more.between_nodes;
    return *this;
  }
  friend bool operator==(const SentBytes&, const SentBytes&) = default;
};

/// Exclusive wall-clock seconds, and bytes sent, by phase.
struct PhaseCounts {
  std::array<double, kPhases> seconds{};
  std::array<SentBytes, kPhases> sent{};

  PhaseCounts& operator+=(const PhaseCounts& more);
};

/// Counts them. One clock per rank, used by its main thread.
class PhaseClock {
 public:
  class Scope {
   public:
    ~Scope() { clock_.switch_to(outer_); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    friend class PhaseClock;
    Scope(PhaseClock& clock, Phase inner) : clock_(clock), outer_(clock.current_) {
      clock.switch_to(inner);
    }
    PhaseClock& clock_;
    Phase outer_;
  };

  PhaseClock() : since_(Clock::now()) {}
  [[nodiscard]] Scope enter(Phase phase) { return Scope(*this, phase); }
  void count_bytes(Phase phase, const SentBytes& sent) { counts_.sent[index(phase)] += sent; }

  double seconds(Phase phase) const { return counts_.seconds[index(phase)]; }
  const SentBytes& sent(Phase phase) const { return counts_.sent[index(phase)]; }
  double total_seconds() const;

  /// Starts counting from zero; returns what was counted until now.
  PhaseCounts reset();

 private:
  using Clock = std::chrono::steady_clock;
  static std::size_t index(Phase phase) { return static_cast<std::size_t>(phase); }
  void switch_to(Phase next);

  PhaseCounts counts_;
  Phase current_ = Phase::kOther;
  Clock::time_point since_;
};

/// Seconds since construction.
class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace siren::inline core
