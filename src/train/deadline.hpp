// SPDX-License-Identifier: Apache-2.0
// When a run has to be over: --time-limit, or the end of the batch job, whichever comes first.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/timer.hpp"

namespace siren::inline train {

/// Seconds of a time limit as batch systems write it: MINUTES, MINUTES:SECONDS,
/// HOURS:MINUTES:SECONDS, DAYS-HOURS, DAYS-HOURS:MINUTES or DAYS-HOURS:MINUTES:SECONDS. InputError
/// for anything else and for 0.
double parse_time_limit(const std::string& text);

/// Counts from its construction. Used by one rank, which tells the others.
class Deadline {
 public:
  /// `limit` seconds from now, if given; `job_end` in seconds since 1970, if given.
  Deadline(std::optional<double> limit, std::optional<double> job_end);

  /// True if less than `reserve` seconds are left.
  bool within(double reserve) const { return left_ && *left_ - watch_.seconds() < reserve; }
  std::optional<double> seconds() const { return left_; }
  /// Which of the two it is, and what sets it: for the message of a run that it has stopped.
  std::string_view reason() const {
    return is_job_end_ ? "the end of the batch job (SLURM_JOB_END_TIME)"
                       : "the time limit (--time-limit)";
  }

 private:
  std::optional<double> left_;  // at construction
  bool is_job_end_ = false;
  Stopwatch watch_;
};

/// Of a job that starts now; `time_limit` as parse_time_limit() reads it, or empty.
Deadline job_deadline(const std::string& time_limit);

/// End of the batch job as SLURM_JOB_END_TIME (seconds since 1970) tells it. A time that is over, as
/// in the shell of a job of the past, or that is none, is ignored with a warning.
std::optional<double> end_of_batch_job();

}  // namespace siren::inline train
