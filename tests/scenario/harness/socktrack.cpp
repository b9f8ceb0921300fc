#include "harness/socktrack.h"

#include <stdexcept>

namespace scenario {
namespace {

Environment merged(Environment base, const Environment& added) {
  for (const auto& [name, value] : added) base[name] = value;
  return base;
}

}  // namespace

std::string command() { return SOCKTRACK_COMMAND; }
std::string library() { return SOCKTRACK_LIBRARY; }
std::string program(const std::string& name) { return std::string(SOCKTRACK_PROGRAMS_DIR) + "/" + name; }
std::string example(const std::string& name) { return std::string(SOCKTRACK_EXAMPLES_DIR) + "/" + name; }
std::string program_source(const std::string& name) {
  return std::string(SOCKTRACK_PROGRAM_SOURCES) + "/" + name;
}
std::string script(const std::string& name) { return std::string(SOCKTRACK_PROGRAM_SOURCES) + "/" + name; }
std::string real_script(const std::string& name) {
  return std::string(SOCKTRACK_REAL_SCRIPTS_DIR) + "/" + name;
}
std::string java_classes(const std::string& part) {
  const std::string root = SOCKTRACK_JAVA_DIR;
  return root.empty() ? root : root + "/" + part + "/java";
}

std::string sanitizer() {
  const std::string built_with = SOCKTRACK_BUILT_WITH;
  return built_with.substr(0, built_with.find(','));
}

Environment base_environment() {
  const std::string runtime = SOCKTRACK_SANITIZER_RUNTIME;
  if (runtime.empty()) return {};
  // The programs are strangers: their leaked memory is none of our business, their signals are their own.
  // Their forks, too, are their own (our watcher makes them forks of programs with threads).
  // What is found goes to files (tests/CMakeLists.txt), and ends the program.
  const std::string to_file = ":log_path=" SOCKTRACK_FINDINGS "/program";
  return {
      {"ASAN_OPTIONS", "detect_leaks=0:handle_segv=0" + to_file},
      {"UBSAN_OPTIONS", "print_stacktrace=1" + to_file},
      {"TSAN_OPTIONS",
       "die_after_fork=0:atexit_sleep_ms=0:ignore_noninstrumented_modules=1:handle_segv=0:halt_on_error=1" +
           to_file}};
}

Environment preload_environment(const TempDir& directory, const Environment& added) {
  Environment environment = base_environment();
  const std::string runtime = SOCKTRACK_SANITIZER_RUNTIME;
  environment["LD_PRELOAD"] = runtime.empty() ? library() : runtime + ":" + library();
  environment["SOCKTRACK_OUTPUT"] = directory / "recordings";
  return merged(environment, added);
}

Arguments tracked_command(const TempDir& directory, const Arguments& options,
                          const Arguments& program_and_arguments) {
  Arguments arguments{command(), "run", "--output", directory / "recordings"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  arguments.emplace_back("--");
  arguments.insert(arguments.end(), program_and_arguments.begin(), program_and_arguments.end());
  return arguments;
}

Tracked track(const Arguments& options, const Arguments& program_and_arguments, const Environment& added) {
  const TempDir directory;
  Arguments all = options;
  all.insert(all.end(), {"--json", directory / "report.json"});
  const Environment environment = merged(base_environment(), added);
  Tracked tracked;
  tracked.outcome = run(tracked_command(directory, all, program_and_arguments), environment);
  try {
    tracked.report = read_report(directory / "report.json");
  } catch (const std::exception& error) {
    throw std::runtime_error(std::string(error.what()) + "\nstatus " +
                             std::to_string(tracked.outcome.status) +
                             ", standard error: " + tracked.outcome.err);
  }
  return tracked;
}

Json report_of(const std::string& directory) {
  const Outcome outcome = run({command(), "report", directory, "--json"}, base_environment());
  if (outcome.status != 0) {
    throw std::runtime_error("socktrack report: status " + std::to_string(outcome.status) + ", " +
                             outcome.err);
  }
  return parse_report(outcome.out);
}

}  // namespace scenario
