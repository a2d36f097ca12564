// SPDX-License-Identifier: Apache-2.0
#include "siren/train/phase_use.hpp"

#include <span>

namespace siren {

std::vector<PhaseUse> phase_use(const Communicator& comm, const PhaseClock& clock) {
  std::vector<double> least;
  std::vector<std::int64_t> bytes;
  for (std::size_t p = 0; p < kPhases; ++p) {
    least.push_back(clock.seconds(static_cast<Phase>(p)));
    const SentBytes& sent = clock.sent(static_cast<Phase>(p));
    bytes.push_back(sent.all);
    bytes.push_back(sent.between_nodes);
  }
  std::vector<double> most = least;
  std::vector<double> sum = least;
  comm.all_reduce(std::span(least), Reduction::kMin);
  comm.all_reduce(std::span(most), Reduction::kMax);
  comm.all_reduce(std::span(sum), Reduction::kSum);
  comm.all_reduce(std::span(bytes), Reduction::kSum);
  std::vector<PhaseUse> uses;
  for (std::size_t p = 0; p < kPhases; ++p)
    uses.push_back({std::string(name_of(static_cast<Phase>(p))),
                    least[p],
                    sum[p] / comm.size(),
                    most[p],
                    {bytes[2 * p], bytes[2 * p + 1]}});
  return uses;
}

}  // namespace siren
