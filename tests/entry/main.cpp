// Starts itself anew with the library in front of libc, then runs the tests.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "emulated.h"

// Under qemu /proc/self/exe is qemu: there the library is put in front by whoever starts us.
int main(int argc, char** argv) {
  const bool only_lists = argc > 1 && std::strcmp(argv[1], "--gtest_list_tests") == 0;
  if (std::getenv("SOCKTRACK_TEST_LOADED") == nullptr && !only_lists) {
    setenv("SOCKTRACK_TEST_LOADED", "1", 1);
    setenv("LD_PRELOAD", SOCKTRACK_PRELOAD, 1);
    setenv("SOCKTRACK_OUTPUT", SOCKTRACK_RECORDINGS, 1);
    setenv("SOCKTRACK_HOSTED", "1", 1);  // no report of the tests' own leaks
    setenv("SOCKTRACK_GRACE", "1h", 1);  // no verdicts: the recorder alone is tested
    // TSan: tests fork while the watcher runs, and have nothing to wait for at exit.
    const std::string to_file = "log_path=" SOCKTRACK_FINDINGS "/entry";
    setenv("TSAN_OPTIONS", ("die_after_fork=0:atexit_sleep_ms=0:" + to_file).c_str(), 0);
    setenv("ASAN_OPTIONS", to_file.c_str(), 0);
    setenv("UBSAN_OPTIONS", to_file.c_str(), 0);
    execv("/proc/self/exe", argv);
    return 1;
  }
  const bool emulated = std::getenv("SOCKTRACK_TEST_EMULATED") != nullptr;
  if (emulated) testing::GTEST_FLAG(filter) = entry::filter_of_emulator();
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
