// SPDX-License-Identifier: Apache-2.0
#include "io/block_hashes.hpp"

#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "siren/error.hpp"
#include "support/common_folder.hpp"

namespace siren {
namespace {

using ::testing::HasSubstr;

/// Two whole blocks and a piece of a third, on rank 0's disk, with their hashes.
class BlockHashes : public ::testing::Test {
 protected:
  static constexpr std::int64_t kLength = 2 * kHashBlockBytes + 12345;

  BlockHashes()
      : comm_(Communicator::world()),
        folder_(comm_),
        path_(folder_.path("c.h5")),
        hashes_(block_hashes_path(path_)),
        random_(7) {
    on_root([&] {
      std::string bytes(kLength, '\0');
      for (char& byte : bytes) byte = static_cast<char>(random_());
      folder_.roots()->write("c.h5", bytes);
    });
    write_block_hashes(comm_, path_, hashes_);
  }

  void on_root(const std::function<void()>& work) {
    if (comm_.is_root()) work();
    comm_.barrier();
  }
  void flip(const std::string& path, std::int64_t bit) {
    on_root([&] {
      std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
      file.seekg(bit / 8);
      const int byte = file.get();
      file.seekp(bit / 8);
      file.put(static_cast<char>(byte ^ (1 << (bit % 8))));
    });
  }
  /// The one sentence that every rank gets.
  std::string verdict() {
    std::string mine = test::input_error([&] { verify_block_hashes(comm_, path_); });
    std::string common = mine;
    comm_.broadcast(common);
    EXPECT_EQ(mine, common);
    EXPECT_THAT(mine, HasSubstr(path_));
    EXPECT_EQ(mine.find('\n'), std::string::npos);
    return mine;
  }
  std::int64_t draw(std::int64_t below) {  // the same on every rank
    std::uint64_t value = random_();
    comm_.broadcast(std::span(&value, 1));
    return static_cast<std::int64_t>(value % static_cast<std::uint64_t>(below));
  }

  Communicator comm_;
  test::CommonFolder folder_;
  std::string path_;
  std::string hashes_;
  std::mt19937_64 random_;
};

TEST_F(BlockHashes, AcceptWhatTheyWereMadeOf) {
  verify_block_hashes(comm_, path_);
}

TEST_F(BlockHashes, AreTheSameForAnyNumberOfRanks) {
  const Communicator alone = comm_.split(comm_.rank(), 0);
  const std::string mine = fmt::format("{}.{}", hashes_, comm_.rank());
  write_block_hashes(alone, path_, mine);
  const auto text = [](const std::string& path) {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  EXPECT_EQ(text(mine), text(hashes_));
  EXPECT_THAT(text(mine),
              HasSubstr(fmt::format("siren-block-hashes 1 length {} block 4194304\n", kLength)));
  verify_block_hashes(alone, path_);
}

TEST_F(BlockHashes, PlaceEverySingleDamagedBit) {
  for (int trial = 0; trial < 50; ++trial) {
    const std::int64_t bit = draw(8 * kLength);
    flip(path_, bit);
    EXPECT_THAT(verdict(), HasSubstr(fmt::format("block {} ", bit / 8 / kHashBlockBytes)));
    flip(path_, bit);
  }
  verify_block_hashes(comm_, path_);
}

TEST_F(BlockHashes, NameTheFirstOfSeveralDamagedBlocks) {
  flip(path_, 8 * (kLength - 1));
  flip(path_, 8 * kHashBlockBytes);
  EXPECT_THAT(verdict(), HasSubstr("block 1 (bytes 4194304 to 8388608) does not match"));
}

TEST_F(BlockHashes, NoticeEveryLength) {
  for (int trial = 0; trial < 20; ++trial) {
    const std::int64_t length = draw(kLength);
    on_root([&] { std::filesystem::resize_file(path_, static_cast<std::uintmax_t>(length)); });
    EXPECT_THAT(verdict(), length == 0 ? HasSubstr("is empty") : HasSubstr("is cut short"));
  }
  on_root([&] { std::filesystem::resize_file(path_, 0); });
  EXPECT_THAT(verdict(), HasSubstr("is empty"));
  on_root([&] { std::filesystem::resize_file(path_, kLength + 1); });
  EXPECT_THAT(verdict(), HasSubstr("is too long"));
}

TEST_F(BlockHashes, SayWhichOfTheTwoFilesIsMissing) {
  on_root([&] { std::filesystem::rename(hashes_, hashes_ + ".away"); });
  EXPECT_THAT(verdict(), HasSubstr("its block hashes"));
  on_root([&] {
    std::filesystem::rename(hashes_ + ".away", hashes_);
    std::filesystem::remove(path_);
  });
  EXPECT_THAT(verdict(), HasSubstr("does not exist"));
}

TEST_F(BlockHashes, DistrustThemselves) {
  std::int64_t length = 0;
  on_root([&] { length = static_cast<std::int64_t>(std::filesystem::file_size(hashes_)); });
  comm_.broadcast(std::span(&length, 1));
  for (std::int64_t byte = 0; byte < length; ++byte) {
    const std::int64_t bit = 8 * byte + draw(8);
    flip(hashes_, bit);
    EXPECT_THAT(verdict(), HasSubstr(hashes_ + " are damaged"));
    flip(hashes_, bit);
  }
  for (std::int64_t kept = length - 1; kept >= 0; kept -= 10) {
    on_root([&] { std::filesystem::resize_file(hashes_, static_cast<std::uintmax_t>(kept)); });
    EXPECT_THAT(verdict(), HasSubstr(hashes_ + " are damaged"));
  }
}

TEST_F(BlockHashes, TellWhatCannotBeWritten) {
  EXPECT_THROW(write_block_hashes(comm_, path_, folder_.path("no/such/folder")), EnvironmentError);
  EXPECT_THROW(write_block_hashes(comm_, folder_.path("absent"), hashes_), InputError);
}

}  // namespace
}  // namespace siren
