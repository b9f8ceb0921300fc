// socktrack run [options] -- PROGRAM [ARGS]
#include <fcntl.h>
#include <fmt/chrono.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <numeric>
#include <optional>

#include "cli/child.h"
#include "cli/commands.h"
#include "cli/describe.h"
#include "cli/dwarf_names.h"
#include "cli/failure.h"
#include "cli/kept_out.h"
#include "cli/kept_out_children.h"
#include "cli/library_path.h"
#include "cli/load_report.h"
#include "cli/load_watch.h"
#include "cli/new_file.h"
#include "cli/preflight.h"
#include "cli/process_facts.h"
#include "cli/retention.h"
#include "cli/run_directory.h"
#include "cli/run_options.h"
#include "cli/suppressing.h"
#include "cli/terminal.h"
#include "cli/trial_load.h"
#include "watch/output_dir.h"
#include "watch/render.h"

namespace socktrack {
namespace {

constexpr int kNotExecutable = 126, kNotFound = 127;
constexpr const char* kWhyChildrenKeptOut =
    "Processes that the program started run behind a seccomp filter, with the library left out of them: "
    "their sockets were not seen. If the filter allows what ordinary programs do, set "
    "SOCKTRACK_INHERITED_FILTER=trust.";
constexpr const char* kStillRunning = "still_running";

constexpr const char* kFooter =
    "In the environment: SOCKTRACK_GRACE and so on. Exit status: the program's (man).\n"
    "Example: socktrack run --grace 2s --fail-on-leak -- ./server --port 8080";

using Clock = std::chrono::system_clock;

// What is known of the program without any recording.
struct Outcome {
  int pid = 0;
  int status = 0;
  std::string exe;
  Clock::time_point started, ended;
  std::string not_loaded;    // why; "" = loaded, or not known
  bool is_kept_out = false;  // behind a seccomp filter, if it left no recording
  std::size_t kept_out_children = 0;
  bool is_unverified = false;  // nobody could tell before or after the start
};

// Built with a sanitizer itself, the library needs the runtime first like any program.
std::string runtime_of(const std::string& library) {
  const int file = open(library.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return "";
  const auto facts = read_elf_facts(file);
  close(file);
  return facts ? sanitizer_runtime(*facts) : "";
}

std::string find_library_or_fail() {
  std::string problem;
  const std::string library = find_library(problem);
  if (library.empty()) throw Failure(kWillNotWork, problem);
  // One built with a sanitizer may only be loaded behind its runtime.
  if (!runtime_of(library).empty()) return library;
  const std::string spelling = spelling_for_glibc_only(library);
  if (!spelling.empty() && problem_of_loading(spelling).empty()) return spelling;
  problem = problem_of_loading(library);
  if (!problem.empty()) throw Failure(kWillNotWork, "the library cannot be loaded here: " + problem);
  return library;
}

Preflight check_or_fail(const std::vector<std::string>& words) {
  Preflight preflight = check_program(words.front(), {words.begin() + 1, words.end()});
  const std::string sentence = why(words.front(), preflight);
  switch (preflight.answer) {
    case Preflight::Answer::yes:
    case Preflight::Answer::unknown:
      return preflight;
    case Preflight::Answer::no:
      throw Failure(kWillNotWork, sentence + (preflight.advice.empty() ? "" : " " + preflight.advice));
    case Preflight::Answer::not_executable:
      throw Failure(kNotExecutable, sentence);
    case Preflight::Answer::missing:
      break;
  }
  throw Failure(kNotFound, sentence);
}

Outcome run_program(const Program& program, const std::string& library, const Preflight& preflight) {
  Outcome outcome;
  outcome.exe = program.path;
  outcome.started = Clock::now();
  Child child(program);
  LoadWatch watch(child.pid(), library);
  KeptOutChildren children(child.pid());
  outcome.pid = child.pid();
  outcome.status = child.wait(
      [&] {
        watch.look();
        children.look();
      },
      [&watch] { watch.look_back(); });
  outcome.ended = Clock::now();
  outcome.not_loaded = watch.why_not();
  outcome.is_kept_out = watch.is_kept_out();
  outcome.kept_out_children = children.count();
  outcome.is_unverified = preflight.answer == Preflight::Answer::unknown && !watch.is_loaded();
  return outcome;
}

std::string iso_time(Clock::time_point time) {
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(Clock::to_time_t(time)), milliseconds % 1000);
}

// A program that opened no socket leaves no recording; a report without it would leave its readers guessing.
ProcessReport without_recording(const Outcome& outcome) {
  ProcessReport process;
  process.pid = outcome.pid;
  process.exe = outcome.exe;
  process.started = iso_time(outcome.started);
  process.ended = iso_time(outcome.ended);
  process.exit_status = outcome.status;
  process.final_look = outcome.not_loaded.empty() && !outcome.is_kept_out && !outcome.is_unverified;
  return process;
}

// Children that outlive the program and have opened no socket yet: nothing but their environment tells.
std::size_t unrecorded_children(const RunDirectory& directory, const Report& report, int root) {
  std::vector<int> children =
      processes_with({"SOCKTRACK_OUTPUT=" + directory.path(), "SOCKTRACK_ROOT_PID=" + std::to_string(root)});
  std::erase_if(children, [&report](int pid) {
    return std::any_of(report.processes.begin(), report.processes.end(),
                       [pid](const ProcessReport& process) { return process.pid == pid; });
  });
  return children.size();
}

Report make_report(const RunDirectory& directory, const Outcome& outcome) {
  const std::unique_ptr<Names> names = make_dwarf_names();
  Report report = load_report(directory.recordings(), *names, {{outcome.pid, outcome.status}});
  const bool has_root = std::any_of(report.processes.begin(), report.processes.end(),
                                    [&](const ProcessReport& each) { return each.pid == outcome.pid; });
  if (!has_root) report.processes.insert(report.processes.begin(), without_recording(outcome));
  if (!outcome.not_loaded.empty()) {
    report.notes.push_back({"not_loaded", 1, outcome.not_loaded});
  } else if (!has_root && outcome.is_kept_out) {
    report.notes.push_back({"inherited_filter", 1, kWhyKeptOut});
  } else if (!has_root && outcome.is_unverified) {
    report.notes.push_back(
        {"not_verified", 1, "The program ended before it could be seen whether it had the library."});
  }
  if (outcome.kept_out_children > 0)
    report.notes.push_back({"children_behind_filter", outcome.kept_out_children, kWhyChildrenKeptOut});
  if (const std::size_t count = unrecorded_children(directory, report, outcome.pid); count > 0) {
    report.notes.push_back({kStillRunning, count, "Processes that the program started are still running."});
  }
  report.complete = report.complete && report.notes.empty();
  return report;
}

std::uint64_t leaked_in(const Report& report) {
  return std::accumulate(report.processes.begin(), report.processes.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const ProcessReport& each) { return sum + each.leaked; });
}

std::string text_of(const Report& report) {
  const bool nothing = report.notes.empty() &&
                       std::all_of(report.processes.begin(), report.processes.end(), [](const auto& each) {
                         return each.opened == 0 && each.recording.empty();
                       });
  if (nothing) return "no sockets were opened\n";
  TextStyle style;
  style.colour = wants_colour(STDERR_FILENO);
  return render_text(report, style);
}

void show(const Report& report, bool quiet) {
  if (quiet && leaked_in(report) == 0) return;
  const std::string text = text_of(report);
  std::fputs("socktrack: ", stderr);
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

bool is_running(const Report& report) {
  return std::any_of(report.processes.begin(), report.processes.end(),
                     [](const ProcessReport& each) { return each.running; }) ||
         std::any_of(report.notes.begin(), report.notes.end(),
                     [](const BlindSpotNote& note) { return note.name == kStillRunning; });
}

// A private directory is kept only for what somebody may want to look at again, or is still written to.
void keep_or_remove(const RunDirectory& directory, const Report& report) {
  if (!directory.is_private()) return;
  const bool running = is_running(report);
  if (!running && leaked_in(report) == 0) return directory.remove();
  std::fprintf(stderr, "socktrack: %s; to see the recordings again: socktrack report %s\n",
               running ? "still running" : "kept", directory.path().c_str());
}

int status_after(const Outcome& outcome, const Report& report, const Options& options) {
  if (!options.fail_on_leak) return outcome.status;
  if (!outcome.not_loaded.empty()) return kWillNotWork;
  return outcome.status == 0 && leaked_in(report) > 0 ? options.fail_status : outcome.status;
}

int run(const RunOptions& request) {
  const Options options = effective_options(request);
  const Suppressions suppressions = suppressions_of(options);
  const std::string library = find_library_or_fail();
  const Preflight preflight = check_or_fail(request.program);
  std::optional<NewFile> json;
  if (options.json[0] != '\0') json.emplace(options.json);
  if (options.output[0] == '\0') keep_within_limits(default_recordings_dirs());
  const RunDirectory directory(options.output);

  const Program program{preflight.path, request.program,
                        program_environment(request, options, directory.path(), library,
                                            {preflight.first_preload, runtime_of(library)})};
  Outcome outcome;
  try {
    outcome = run_program(program, library, preflight);
  } catch (const Failure&) {
    directory.remove();
    throw;
  }
  signal(SIGPIPE, SIG_IGN);  // only now: the program must not inherit it
  Report report = make_report(directory, outcome);
  suppressions.apply(report);
  show(report, request.quiet);
  keep_or_remove(directory, report);
  if (json) json->commit(render_json(report));
  return status_after(outcome, report, options);
}

}  // namespace

void add_run_command(CLI::App& app, int& exit_status) {
  auto request = std::make_shared<RunOptions>();
  CLI::App* command = app.add_subcommand("run", "Run a program, report the sockets it forgot to close");
  add_run_options(*command, *request);
  command->footer(kFooter);
  command->callback([request, &exit_status] { exit_status = run(*request); });
}

}  // namespace socktrack
