// Starts itself anew with the library in front of libc, then runs the tests.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

int main(int argc, char** argv) {
  if (std::getenv("SOCKTRACK_TEST_LOADED") == nullptr) {
    setenv("SOCKTRACK_TEST_LOADED", "1", 1);
    setenv("LD_PRELOAD", SOCKTRACK_PRELOAD, 1);
    setenv("SOCKTRACK_OUTPUT", SOCKTRACK_RECORDINGS, 1);
    setenv("SOCKTRACK_HOSTED", "1", 1);  // no report of the tests' own leaks
    setenv("SOCKTRACK_GRACE", "1h", 1);  // no verdicts: the recorder alone is tested
    // TSan: tests fork while the watcher runs, and have nothing to wait for at exit.
    setenv("TSAN_OPTIONS", "die_after_fork=0:atexit_sleep_ms=0", 0);
    execv("/proc/self/exe", argv);
    return 1;
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
