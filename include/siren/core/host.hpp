// SPDX-License-Identifier: Apache-2.0
// What the operating system says of this host.
#pragma once

#include <string>

namespace siren {

/// "n1", without a domain.
std::string host_name();

}  // namespace siren
