// SPDX-License-Identifier: Apache-2.0
// main() of a target where libFuzzer is not linked.
//
//   fuzz.config --corpus DIR [--corpus DIR ...] [--dictionary FILE] [--seconds N] [--runs N] [--seed S]
//               [--limit SECONDS] [--memory MB]
//   fuzz.config FILE...                                  tries these inputs only
//
// Inputs of the corpus come first, then mutations of them; one that ends in a sentence not seen
// before joins the corpus of this process. An input that must not end as it does is written to
// fuzz-KIND-seed-S-run-N.input in the present directory; the exit code is then not 0.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <unistd.h>
#include <unordered_set>
#include <vector>

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "fuzz/mutator.hpp"
#include "fuzz/target.hpp"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
// Of the sanitizers, if they are there: called before they end the process.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace siren::fuzz {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string kind;
  std::vector<std::string> corpus;
  std::vector<std::string> files;
  std::string dictionary;
  double seconds = 5.0;
  std::int64_t runs = -1;
  std::uint64_t seed = 1;
  unsigned limit = 10;          // seconds of the processor for one input; ten times as many in all
  std::uint64_t memory = 1024;  // MB besides what there is at the start
};

// What a signal handler may look at.
const std::string* present_input = nullptr;
std::string present_file;

void save_input() {
  if (present_input == nullptr || present_file.empty()) return;
  const int file = ::open(present_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  const auto say = [](const char* text) {
    if (::write(STDERR_FILENO, text, std::strlen(text)) < 0) return;
  };
  if (::write(file, present_input->data(), present_input->size()) >= 0) {
    say("fuzz: the input is in ");
    say(present_file.c_str());
    say("\n");
  }
  present_input = nullptr;
}

void on_signal(int signal) {
  if (signal == SIGALRM || signal == SIGPROF) {
    const char text[] = "fuzz: the input takes too long\n";
    if (::write(STDERR_FILENO, text, sizeof text - 1) < 0) return;
  }
  save_input();
  std::signal(signal, SIG_DFL);
  ::raise(signal);
}

void watch_for_crashes() {
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(save_input);
  static std::vector<char> stack(1 << 16);  // a stack that overflowed cannot be used
  stack_t place{};
  place.ss_sp = stack.data();
  place.ss_size = stack.size();
  ::sigaltstack(&place, nullptr);
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_ONSTACK;
  for (const int signal : {SIGABRT, SIGALRM, SIGPROF}) ::sigaction(signal, &action, nullptr);
  if (__sanitizer_set_death_callback != nullptr) return;  // which look at the others themselves
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) ::sigaction(signal, &action, nullptr);
}

/// So that an array sized by a hostile number fails here as it would on a machine that is full.
void limit_memory(std::uint64_t megabytes) {
  if (__sanitizer_set_death_callback != nullptr) return;  // they need address space without end
  std::ifstream statm("/proc/self/statm");
  std::uint64_t pages = 0;
  statm >> pages;
  const rlim_t most =
      pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) + (megabytes << 20);
  const rlimit limit{most, most};
  ::setrlimit(RLIMIT_AS, &limit);
}

/// Much work is a fault, waiting for a busy machine is not; 0: no limit.
void limit_time(unsigned seconds) {
  itimerval work{};
  work.it_value.tv_sec = seconds;
  ::setitimer(ITIMER_PROF, &work, nullptr);
  ::alarm(10 * seconds);
}

/// False if it ended as no input may.
bool try_one(const std::string& input, const std::string& file, unsigned limit) {
  present_file = file;
  present_input = &input;
  limit_time(limit);
  std::string fault;
  try {
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
  } catch (const std::exception& error) {
    fault = error.what();
    if (fault.empty()) fault = "an exception without a word";
  }
  limit_time(0);
  if (!fault.empty()) {
    std::cerr << "fuzz: unexpected exception: " << fault << '\n';
    save_input();
  }
  present_input = nullptr;
  return fault.empty();
}

std::vector<std::string> read_corpus(const Options& options) {
  std::vector<std::string> paths;
  for (const std::string& folder : options.corpus)
    for (const fs::directory_entry& entry : fs::directory_iterator(folder))
      if (entry.is_regular_file()) paths.push_back(entry.path().string());
  std::sort(paths.begin(), paths.end());
  return paths;
}

void report(const Options& options, std::int64_t inputs, double seconds) {
  const Tally& seen = tally();
  std::cerr << fmt::format(
      "fuzz.{}: {} inputs in {:.1f} s (seed {}): {} times accepted, {} refused, {} environment "
      "errors, no fault\n",
      options.kind, inputs, seconds, options.seed, seen.accepted, seen.refused, seen.failed);
  if (seen.failed > 0) std::cerr << "  first environment error: " << seen.first_failure << '\n';
}

int try_files(const Options& options) {
  bool good = true;
  for (const std::string& path : options.files)
    good = try_one(read_file(path), "", options.limit) && good;
  if (good) report(options, std::ssize(options.files), 0.0);
  return good ? 0 : 1;
}

int fuzz(const Options& options) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  Mutator mutator(options.seed, options.dictionary.empty() ? std::vector<std::string>()
                                                           : read_dictionary(options.dictionary));
  std::unordered_set<std::uint64_t> outcomes;
  std::int64_t run = 0;
  const auto try_next = [&](std::string input) {
    const std::string file =
        fmt::format("fuzz-{}-seed-{}-run-{}.input", options.kind, options.seed, run++);
    if (!try_one(input, file, options.limit)) return false;
    if (outcomes.insert(tally().outcome).second) mutator.add(std::move(input));
    return true;
  };
  for (const std::string& path : read_corpus(options)) {
    mutator.add(read_file(path));
    if (!try_next(read_file(path))) return 1;
  }
  while ((options.runs < 0 || run < options.runs) && seconds() < options.seconds)
    if (!try_next(mutator.next())) return 1;
  report(options, run, seconds());
  return 0;
}

Options options_from(int argc, char** argv) {
  Options options;
  options.kind = fs::path(argv[0]).filename().string();
  if (options.kind.starts_with("fuzz.")) options.kind.erase(0, 5);
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (!name.starts_with("--")) {
      options.files.push_back(name);
      continue;
    }
    if (++i == argc) throw std::runtime_error(name + " needs a value");
    const std::string value = argv[i];
    if (name == "--corpus")
      options.corpus.push_back(value);
    else if (name == "--dictionary")
      options.dictionary = value;
    else if (name == "--seconds")
      options.seconds = std::stod(value);
    else if (name == "--runs")
      options.runs = std::stoll(value);
    else if (name == "--seed")
      options.seed = std::stoull(value);
    else if (name == "--limit")
      options.limit = static_cast<unsigned>(std::stoul(value));
    else if (name == "--memory")
      options.memory = std::stoull(value);
    else
      throw std::runtime_error("unknown option " + name +
                               "; they stand at the top of tests/fuzz/driver_main.cpp");
  }
  if (options.runs >= 0 && options.seconds == Options().seconds) options.seconds = 1e9;
  return options;
}

}  // namespace
}  // namespace siren::fuzz

int main(int argc, char** argv) {
  try {
    const siren::fuzz::Options options = siren::fuzz::options_from(argc, argv);
    if (LLVMFuzzerInitialize(&argc, &argv) != 0) throw std::runtime_error("cannot start");
    siren::fuzz::watch_for_crashes();
    siren::fuzz::limit_memory(options.memory);
    return options.files.empty() ? siren::fuzz::fuzz(options) : siren::fuzz::try_files(options);
  } catch (const std::exception& error) {
    std::cerr << "fuzz: " << error.what() << '\n';
    return 2;
  }
}
