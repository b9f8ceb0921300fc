// socktrack report [DIR|FILE] [--json [FILE]] [--stacks PID]
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <stdexcept>

#include "cli/commands.h"
#include "cli/dwarf_names.h"
#include "cli/failure.h"
#include "cli/load_report.h"
#include "cli/new_file.h"
#include "cli/printable.h"
#include "cli/process_id.h"
#include "cli/terminal.h"
#include "cli/thread_stacks.h"
#include "watch/output_dir.h"
#include "watch/render.h"

namespace socktrack {
namespace {

struct ReportRequest {
  std::string from;  // "" = the default directories
  std::string json;  // "" = text, "-" = standard output
  int stacks_of = 0;
};

// Reading debug information of large programs takes seconds: somebody at a terminal is told that it
// goes on. Nothing is written unless it takes long.
class TellingNames final : public Names {
 public:
  explicit TellingNames(Names& names) : names_(names), terminal_(isatty(STDERR_FILENO) == 1) {}
  TellingNames(const TellingNames&) = delete;
  TellingNames& operator=(const TellingNames&) = delete;
  ~TellingNames() override {
    if (told_) std::fputs("\r\033[K", stderr);
  }

  std::vector<Frame> frames_at(const Module& module, std::uint64_t offset) override {
    ++frames_;
    const auto now = std::chrono::steady_clock::now();
    if (terminal_ && now - last_ > std::chrono::seconds(1)) {
      std::fprintf(stderr, "\r\033[Ksocktrack: naming frame %llu ...", frames_);
      std::fflush(stderr);
      told_ = true;
      last_ = now;
    }
    return names_.frames_at(module, offset);
  }

 private:
  Names& names_;
  bool terminal_;
  bool told_ = false;
  unsigned long long frames_ = 0;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

bool exists(const std::string& path) {
  struct stat facts {};
  return stat(path.c_str(), &facts) == 0;
}

std::vector<std::string> files_of_default_places(std::string& places) {
  std::vector<std::string> files;
  for (const std::string& directory : default_recordings_dirs()) {
    places += " '" + directory + "'";
    if (!exists(directory)) continue;
    for (std::string& file : find_recordings(directory)) files.push_back(std::move(file));
  }
  return files;
}

// Which files to read. Throws RecordingError if there are none, with the places that were looked into.
std::vector<std::string> files_for(const ReportRequest& request) {
  std::string places = " '" + request.from + "'";
  std::vector<std::string> files;
  if (request.from.empty()) {
    places.clear();
    files = files_of_default_places(places);
  } else {
    files = find_recordings(request.from);
  }
  if (!files.empty()) return files;
  throw RecordingError("no recordings" + (places.empty() ? " found" : " in" + places) +
                       ": give the directory (or set SOCKTRACK_OUTPUT), or start the program with "
                       "'socktrack run'");
}

bool is_of_process(const std::string& file, int pid) {
  try {
    return RecordingView::of_file(file).header().pid == static_cast<std::uint32_t>(pid);
  } catch (const RecordingError&) {
    return false;
  }
}

void write_json(const Report& report, const std::string& to) {
  const std::string text = render_json(report);
  if (to == "-") {
    std::cout << text << std::flush;
    if (!std::cout) throw std::runtime_error("the report could not be written to standard output");
    return;
  }
  NewFile(to).commit(text);
}

void show_files(const std::vector<std::string>& files, const std::string& json, Names& names) {
  Report report = [&] {
    TellingNames telling(names);
    return load_report(files, telling);
  }();
  for (const BlindSpotNote& note : report.notes) std::cerr << "socktrack: " << note.what << '\n';
  if (report.processes.empty()) throw RecordingError("no recording could be read");
  if (!json.empty()) return write_json(report, json);
  report.notes.clear();  // they stand on standard error
  TextStyle style;
  style.colour = wants_colour(STDOUT_FILENO);
  std::cout << render_text(report, style) << std::flush;
}

void show_stacks(int pid, Names& names) {
  const std::vector<ThreadStack> threads = thread_stacks(pid, names);
  std::cout << "\nthreads of process " << pid << '\n';
  for (const ThreadStack& thread : threads) {
    std::cout << "  " << thread.tid << ' ' << printable(thread.name) << ": " << thread.doing << '\n';
    if (!thread.problem.empty()) std::cout << "    " << thread.problem << '\n';
    for (const std::string& line : stack_lines(thread.frames)) std::cout << "    " << line << '\n';
  }
  std::cout << std::flush;
}

// Without a place to look into, --stacks needs no recording: it shows what there is of that process.
void show(const ReportRequest& request) {
  const std::unique_ptr<Names> names = make_dwarf_names();
  if (request.from.empty() && request.stacks_of != 0) {
    std::string places;
    std::vector<std::string> files = files_of_default_places(places);
    std::erase_if(files, [&](const std::string& file) { return !is_of_process(file, request.stacks_of); });
    if (!files.empty()) show_files(files, "", *names);
  } else {
    show_files(files_for(request), request.json, *names);
  }
  if (request.stacks_of != 0) show_stacks(request.stacks_of, *names);
}

// `--json` takes an optional file, so in `--json DIR` the DIR lands there. A directory or a recording
// is never what the JSON should be written to.
void sort_out(ReportRequest& request, bool json_asked) {
  if (!json_asked) return;
  if (request.json.empty()) request.json = "-";
  const bool is_source =
      std::filesystem::is_directory(request.json) || request.json.ends_with(kRecordingSuffix);
  if (!request.from.empty() || !is_source) return;
  request.from = request.json;
  request.json = "-";
}

}  // namespace

void add_report_command(CLI::App& app, int& exit_status) {
  auto request = std::make_shared<ReportRequest>();
  CLI::App* command = app.add_subcommand("report", "Show what recordings say: leaks by file and line");
  command->add_option("from", request->from, "Directory of recordings, or one recording")
      ->type_name("DIR|FILE");
  CLI::Option* json =
      command->add_option("--json", request->json, "Write JSON to FILE, or to standard output")
          ->expected(0, 1)
          ->type_name("[FILE]");
  command->add_option("--stacks", request->stacks_of, "Add what each thread of this process is doing now")
      ->type_name("PID")
      ->check(process_id())
      ->excludes(json);
  command->callback([request, json, &exit_status] {
    try {
      sort_out(*request, json->count() > 0);
      show(*request);
    } catch (const Failure& failure) {
      std::cerr << "socktrack: " << failure.what() << '\n';
      exit_status = failure.exit_status();
    } catch (const std::exception& error) {
      std::cerr << "socktrack: " << error.what() << '\n';
      exit_status = kCannot;
    }
  });
}

}  // namespace socktrack
