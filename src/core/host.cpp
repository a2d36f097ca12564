// SPDX-License-Identifier: Apache-2.0
#include "siren/core/host.hpp"

#include <array>
#include <unistd.h>

namespace siren {

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  const std::string whole = name.data();
  return whole.substr(0, whole.find('.'));
}

}  // namespace siren
