// SPDX-License-Identifier: Apache-2.0
// Numbers too small for a normalised representation are treated as zero, on every thread alike. The
// moments of rows without gradient decay into that range, where arithmetic is many times slower.
#pragma once

namespace siren::inline math {

/// For the calling thread and all OpenMP threads it will use. To be called once the number of
/// threads is set: threads that already exist outside the team of that size keep their setting.
void flush_denormals();

}  // namespace siren::inline math
