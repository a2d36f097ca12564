// SPDX-License-Identifier: Apache-2.0
// What this rank is doing, readable by another thread at any moment and without locks: signs of
// life, the step, the operation, and whom it waits for. There is one for the whole process, because
// a process is a rank and every module gives signs of life; comm/watchdog.hpp reads it.
//
//   heartbeat().beat();                        // something was finished: a tile, a piece of a file
//   const Activity activity("evaluation");     // what goes on until the end of the scope
//   const LongCall call("METIS");              // no signs of life to be expected for long
//
// The main thread writes, a few relaxed stores a time. A reader may see fields of two moments side
// by side; it must only ever tell people about them. Names are string literals.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace siren::inline core {

/// Seconds without a sign of life that are a hang, unless --hang-timeout says otherwise.
inline constexpr double kHangTimeout = 600.0;

/// Some ranks, written by one thread and read by others: the first few, and how many there are.
class RankList {
 public:
  static constexpr std::size_t kShown = 8;

  struct Copy {
    std::vector<int> first;  // at most kShown
    std::size_t total = 0;
    friend bool operator==(const Copy&, const Copy&) = default;
  };

  void set(std::span<const int> ranks);
  Copy read() const;

 private:
  std::atomic<std::size_t> total_{0};
  std::array<std::atomic<int>, kShown> first_{};
};

/// "rank 2", "ranks 2, 5", "ranks 0, 1, 2, 3, 4, 5, 6, 7 and 12 more".
std::string to_text(const RankList::Copy& ranks);

class Heartbeat {
 public:
  /// What the watchdog wants from the main thread, which obeys at its next beat or while it waits.
  enum class Call : std::uint8_t { kNone, kLookAround, kAskOthers, kEndJob };
  /// Reacts in the main thread. `waiting`: it waits in communication, else it works.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void on_call(Call call, bool waiting) = 0;
  };

  // ---- main thread

  /// A sign of life.
  void beat() {
    note_life();
    if (is_called()) [[unlikely]]
      answer_call(false);
  }
  void set_step(std::int64_t step) { step_.store(step, std::memory_order_relaxed); }
  /// Null: none worth a name.
  void set_operation(const char* operation) {
    operation_.store(operation, std::memory_order_relaxed);
    beat();
  }
  const char* operation() const { return operation_.load(std::memory_order_relaxed); }
  /// Null: the steps of training. Returns the one before.
  const char* set_activity(const char* activity);

  /// While waiting in communication: in what, and for whom (nobody: for all other ranks).
  void set_waiting(const char* operation, std::span<const int> ranks);
  void end_waiting() { waiting_in_.store(nullptr, std::memory_order_relaxed); }

  /// Something went on although this rank waits, e.g. another rank says that it is working.
  void note_life() {
    beats_.store(beats_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  bool is_called() const { return call_.load(std::memory_order_relaxed) != Call::kNone; }
  void answer_call(bool waiting);
  /// Borrowed; null: calls are not heard. Returns the one before.
  Listener* set_listener(Listener* listener);

  /// How long this rank may be silent; 0: for ever.
  void set_timeout(double seconds) {
    timeout_.store(seconds, std::memory_order_relaxed);
    note_life();
  }
  /// Times as long, for now. Returns what it was.
  double set_stretch(double times) { return stretch_.exchange(times, std::memory_order_relaxed); }

  // ---- any thread

  void call(Call call) { call_.store(call, std::memory_order_relaxed); }
  double timeout() const {
    return timeout_.load(std::memory_order_relaxed) * stretch_.load(std::memory_order_relaxed);
  }
  std::uint64_t beats() const { return beats_.load(std::memory_order_relaxed); }
  std::int64_t step() const { return step_.load(std::memory_order_relaxed); }
  /// "at step 12 in evaluation (rotation of items)".
  std::string describe() const;
  bool is_waiting() const { return waiting_in_.load(std::memory_order_acquire) != nullptr; }
  /// Nobody if it does not wait, or for all other ranks.
  RankList::Copy waiting_for() const;

 private:
  std::atomic<std::uint64_t> beats_{0};
  std::atomic<Call> call_{Call::kNone};
  std::atomic<double> timeout_{kHangTimeout};
  std::atomic<double> stretch_{1.0};
  std::atomic<std::int64_t> step_{0};
  std::atomic<const char*> activity_{nullptr};
  std::atomic<const char*> operation_{nullptr};
  std::atomic<const char*> waiting_in_{nullptr};
  RankList waiting_for_;
  Listener* listener_ = nullptr;
};

inline constinit Heartbeat process_heartbeat;

inline Heartbeat& heartbeat() {
  return process_heartbeat;
}

/// What goes on, for the time of a scope; of nested ones the inner counts.
class Activity {
 public:
  explicit Activity(const char* name) : outer_(heartbeat().set_activity(name)) {}
  ~Activity() { heartbeat().set_activity(outer_); }
  Activity(const Activity&) = delete;
  Activity& operator=(const Activity&) = delete;

 private:
  const char* outer_;
};

/// One call of a library that gives no signs of life and may last long, for the time of a scope: only
/// ten times the timeout is a hang. The ranks that wait for its end must be in such a scope, too.
class LongCall {
 public:
  static constexpr double kTimeouts = 10.0;
  explicit LongCall(const char* operation) : outer_(heartbeat().set_stretch(kTimeouts)) {
    heartbeat().set_operation(operation);
  }
  ~LongCall() {
    heartbeat().note_life();
    heartbeat().set_stretch(outer_);
  }
  LongCall(const LongCall&) = delete;
  LongCall& operator=(const LongCall&) = delete;

 private:
  double outer_;
};

/// A call that waits for other ranks and in which nobody is heard, for the time of a scope.
class BlockingCall {
 public:
  explicit BlockingCall(const char* operation) { heartbeat().set_waiting(operation, {}); }
  ~BlockingCall() {
    heartbeat().note_life();
    heartbeat().end_waiting();
  }
  BlockingCall(const BlockingCall&) = delete;
  BlockingCall& operator=(const BlockingCall&) = delete;
};

}  // namespace siren::inline core
