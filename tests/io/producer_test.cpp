// SPDX-License-Identifier: Apache-2.0
#include "io/producer.hpp"

#include <string>

#include <gmock/gmock.h>

#include "siren/error.hpp"
#include "support/common_folder.hpp"

namespace siren {
namespace {

using test::CommonFolder;

TEST(PrintProduced, PrintsTheRanksOneAfterTheOther) {
  const Communicator comm = Communicator::world();
  const CommonFolder folder(comm);
  const auto pieces_of = [](int rank) { return (rank + 1) % 3 * 50; };  // none from some ranks
  std::FILE* out = comm.is_root() ? std::fopen(folder.path("out").c_str(), "w") : nullptr;
  print_produced(comm, out, [&](const Sink& sink) {
    PieceBuffer buffer(sink);
    for (int k = 0; k < pieces_of(comm.rank()); ++k)
      buffer.append(std::string(40000, static_cast<char>('a' + comm.rank())));
    buffer.flush();
  });
  if (!comm.is_root()) return;
  std::fclose(out);
  std::string expected;
  for (int rank = 0; rank < comm.size(); ++rank)
    expected.append(static_cast<std::size_t>(pieces_of(rank)) * 40000,
                    static_cast<char>('a' + rank));
  EXPECT_TRUE(folder.roots()->read("out") == expected);
}

TEST(PrintProduced, ADeviceThatIsFullIsToldOnAllRanks) {
  const Communicator comm = Communicator::world();
  std::FILE* out = comm.is_root() ? std::fopen("/dev/full", "w") : nullptr;
  EXPECT_THROW(print_produced(comm, out, [&](const Sink& sink) { sink("text"); }),
               EnvironmentError);
  if (out != nullptr) std::fclose(out);
}

}  // namespace
}  // namespace siren
