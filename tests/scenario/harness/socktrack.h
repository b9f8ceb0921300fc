// The two ways in which programs are tracked: `socktrack run` and bare LD_PRELOAD.
#pragma once

#include <chrono>
#include <string>
#include <thread>

#include "harness/process.h"
#include "harness/report.h"
#include "harness/temp_dir.h"

namespace scenario {

// What the build made.
std::string command();                         // the socktrack binary
std::string library();                         // libsocktrack.so
std::string program(const std::string& name);  // of tests/programs
std::string example(const std::string& name);  // of examples
std::string program_source(const std::string& name);
std::string script(const std::string& name);        // of tests/programs
std::string real_script(const std::string& name);   // of tests/real/programs
std::string java_classes(const std::string& part);  // "" without a JDK

// "address", "thread" or "" for a plain build. Runtimes with their own memory tricks cannot live under these.
std::string sanitizer();

// The environment that socktrack needs in a sanitizer build; empty in a plain one.
Environment base_environment();
// ... with the library preloaded, and where its recordings go.
Environment preload_environment(const TempDir& directory, const Environment& added = {});

// Runs PROGRAM under `socktrack run OPTIONS --json FILE --output DIR -- PROGRAM` to its end.
struct Tracked {
  Outcome outcome;
  Json report;
};
Tracked track(const Arguments& options, const Arguments& program_and_arguments,
              const Environment& added = {});

// The arguments of such a command, for tests that talk to the program meanwhile.
Arguments tracked_command(const TempDir& directory, const Arguments& options,
                          const Arguments& program_and_arguments);

// `socktrack report DIR --json`.
Json report_of(const std::string& directory);

// Asks again until `true_now` says so. For what can only be asked; false if the safety limit comes first.
template <typename Question>
bool eventually(Question true_now) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!true_now()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

}  // namespace scenario
