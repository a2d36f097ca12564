// SPDX-License-Identifier: Apache-2.0
#include "io/output_claim.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <regex>
#include <string>
#include <unistd.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "core/host.hpp"
#include "support/temp_folder.hpp"

namespace {
bool file_system_knows_locks = true;
}

/// In place of the system's own.
extern "C" int flock(int file, int operation) {
  if (file_system_knows_locks) return static_cast<int>(::syscall(SYS_flock, file, operation));
  errno = ENOSYS;
  return -1;
}

namespace siren {
namespace {

namespace fs = std::filesystem;

using test::input_error;
using test::TempFolder;
using ::testing::HasSubstr;

/// Another process that runs `work` and then waits until it is killed.
class Process {
 public:
  template <class Work>
  explicit Process(const Work& work) {
    int ready[2];
    EXPECT_EQ(::pipe(ready), 0);
    id_ = ::fork();
    if (id_ == 0) {
      work();
      [[maybe_unused]] const ssize_t written = ::write(ready[1], "x", 1);
      while (true) ::pause();
    }
    char letter = 0;
    EXPECT_EQ(::read(ready[0], &letter, 1), 1);
    ::close(ready[0]);
    ::close(ready[1]);
  }
  ~Process() { kill(); }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void kill() {
    if (id_ <= 0) return;
    ::kill(id_, SIGKILL);
    ::waitpid(id_, nullptr, 0);
    id_ = 0;
  }
  pid_t id() const { return id_; }

 private:
  pid_t id_ = 0;
};

TEST(OutputClaim, NamesAreRandomAndGoneAtTheEnd) {
  const TempFolder folder;
  {
    OutputClaim claim(folder.path("out"));
    const std::string first = claim.make_temporary_file();
    const std::string second = claim.make_temporary_file();
    const std::string directory = claim.make_temporary_directory();
    EXPECT_NE(first, second);
    for (const std::string& name : {first, second, directory})
      EXPECT_TRUE(std::regex_match(name, std::regex(".*/out\\.siren-[0-9A-Za-z]{6}\\.tmp")))
          << name;
    EXPECT_TRUE(fs::is_regular_file(first));
    EXPECT_TRUE(fs::is_directory(directory));
    EXPECT_EQ(folder.files(), 4U);  // with the lock
  }
  EXPECT_EQ(folder.files(), 0U);
}

TEST(OutputClaim, PermissionsAreThoseOfAnyNewFile) {
  const TempFolder folder;
  const mode_t before = ::umask(027);
  OutputClaim claim(folder.path("out"));
  struct stat status {};
  EXPECT_EQ(::stat(claim.make_temporary_file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0640U);
  EXPECT_EQ(::stat(claim.make_temporary_directory().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0750U);
  ::umask(before);
}

TEST(OutputClaim, OneProcessHasItAndIsNamed) {
  const TempFolder folder;
  const std::string path = folder.path("out");
  Process other([&] { new OutputClaim(path); });  // NOLINT: it is killed with it
  const std::string who = fmt::format("pid {} on {} is writing it", other.id(), host_name());
  EXPECT_THAT(input_error([&] { OutputClaim{path}; }), HasSubstr(who));
  EXPECT_NO_THROW(OutputClaim(folder.path("other")));
  other.kill();
  EXPECT_NO_THROW(OutputClaim{path});
  EXPECT_EQ(folder.files(), 0U);
}

TEST(OutputClaim, RemovesWhatAKilledMakerLeftAndNothingElse) {
  const TempFolder folder;
  const std::string path = folder.path("out");
  Process other([&] {
    auto* claim = new OutputClaim(path);  // NOLINT
    claim->make_temporary_file();
    folder.write(fs::path(claim->make_temporary_directory()).filename().string() + "/part", "x");
  });
  const std::string victim = folder.write("victim", "precious");
  fs::create_symlink("victim", folder.path("out.siren-aaaaaa.tmp"));
  for (const char* name : {"out.tmp", "out.tmp123", "out.siren-aaaaa.tmp", "out.siren-aaaa_a.tmp",
                           "out.siren-aaaaaa.tmpx", "xout.siren-aaaaaa.tmp", "out.siren.lock2"})
    folder.write(name, "mine");
  EXPECT_EQ(folder.files(), 12U);
  other.kill();
  { const OutputClaim claim(path); }
  EXPECT_EQ(folder.files(), 8U);
  EXPECT_EQ(folder.read("victim"), "precious");
  EXPECT_EQ(folder.read("xout.siren-aaaaaa.tmp"), "mine");
}

TEST(OutputClaim, WholeFoldersAreTidiedButForTheLiving) {
  const TempFolder folder;
  const auto make = [&](const char* name) {
    return
        [&folder, name] { (new OutputClaim(folder.path(name)))->make_temporary_file(); };  // NOLINT
  };
  Process dead(make("a"));
  Process living(make("b"));
  dead.kill();
  folder.write("c.tmp", "mine");
  EXPECT_EQ(folder.files(), 5U);
  remove_abandoned(folder.path(""));
  EXPECT_EQ(folder.files(), 3U);
  living.kill();
  remove_abandoned(folder.path(""));
  EXPECT_EQ(folder.files(), 1U);
}

TEST(OutputClaim, ALockOfOthersIsLeft) {
  const TempFolder folder;
  folder.write("out.siren.lock", "my notes on locks");
  EXPECT_THAT(input_error([&] { OutputClaim(folder.path("out")); }),
              HasSubstr("not a lock of siren"));
  EXPECT_EQ(folder.read("out.siren.lock"), "my notes on locks");
  folder.write("victim", "");
  fs::create_symlink("victim", folder.path("x.siren.lock"));
  EXPECT_THAT(input_error([&] { OutputClaim(folder.path("x")); }), HasSubstr("x.siren.lock"));
  EXPECT_EQ(folder.read("victim"), "");
}

TEST(OutputClaim, WithoutLocksTheAgeDecides) {
  const TempFolder folder;
  const std::string path = folder.path("out");
  file_system_knows_locks = false;
  Process other([&] { (new OutputClaim(path))->make_temporary_file(); });  // NOLINT
  const auto set_age = [&](const char* ending, std::chrono::hours age) {
    for (const fs::directory_entry& entry : fs::directory_iterator(folder.path("")))
      if (entry.path().extension() == ending)
        fs::last_write_time(entry.path(), fs::file_time_type::clock::now() - age);
  };
  EXPECT_THAT(input_error([&] { OutputClaim{path}; }), HasSubstr("this file system has no locks"));
  LockHolder elsewhere = this_process(24 * 3600.0);
  elsewhere.host = "n17";
  elsewhere.boot = "0b1c";
  folder.write("out.siren.lock", to_text(elsewhere));
  set_age(".lock", std::chrono::hours(48));  // but the file is still being written
  EXPECT_THAT(input_error([&] { OutputClaim{path}; }), HasSubstr("on n17 is writing it"));
  other.kill();
  set_age(".tmp", std::chrono::hours(48));
  EXPECT_NO_THROW(OutputClaim{path});
  EXPECT_EQ(folder.files(), 0U);
  file_system_knows_locks = true;
}

TEST(OutputClaim, WithoutLocksADeadProcessOfThisHostIsKnown) {
  const TempFolder folder;
  const std::string path = folder.path("out");
  file_system_knows_locks = false;
  Process other([&] { (new OutputClaim(path))->make_temporary_file(); });  // NOLINT
  EXPECT_THAT(input_error([&] { OutputClaim{path}; }), HasSubstr("this file system has no locks"));
  other.kill();
  EXPECT_NO_THROW(OutputClaim{path});
  EXPECT_EQ(folder.files(), 0U);
  file_system_knows_locks = true;
}

TEST(OutputClaim, OfAnotherUserThatMayOnlyBeReadIsReplaced) {
  const TempFolder folder;
  const std::string lock = folder.write("out.siren.lock", to_text(this_process(1000.0)));
  ASSERT_EQ(::chmod(lock.c_str(), 0444), 0);  // root may write it all the same
  { const OutputClaim claim(folder.path("out")); }
  EXPECT_EQ(folder.files(), 0U);
}

TEST(OutputClaim, OfAnotherHostIsReplacedIfNobodyHoldsIt) {
  const TempFolder folder;
  LockHolder elsewhere = this_process(24 * 3600.0);
  elsewhere.host = "n17";
  elsewhere.boot = "0b1c";
  folder.write("out.siren.lock", to_text(elsewhere));
  { const OutputClaim claim(folder.path("out")); }
  EXPECT_EQ(folder.files(), 0U);
}

TEST(OutputClaim, ASuccessorsLockIsLeft) {
  const TempFolder folder;
  {
    const OutputClaim claim(folder.path("out"));
    fs::remove(folder.path("out.siren.lock"));
    folder.write("out.siren.lock", "another's");
  }
  EXPECT_EQ(folder.read("out.siren.lock"), "another's");
}

TEST(OutputClaim, LinksLeadToTheFileThatIsMade) {
  const TempFolder folder;
  fs::create_directory(folder.path("scratch"));
  fs::create_symlink("scratch/d.h5", folder.path("link"));
  fs::create_symlink(folder.path("link"), folder.path("link2"));
  EXPECT_EQ(fs::weakly_canonical(output_target(folder.path("link2"))),
            fs::weakly_canonical(folder.path("scratch/d.h5")));
  EXPECT_EQ(output_target(folder.path("plain")), folder.path("plain"));
  fs::create_symlink("round", folder.path("round"));
  EXPECT_THAT(input_error([&] { output_target(folder.path("round")); }), HasSubstr("round"));
}

}  // namespace
}  // namespace siren
