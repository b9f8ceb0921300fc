// socktrack report [DIR|FILE] [--json [FILE]|--html FILE|--folded] [--stacks PID], report --diff A B
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
#include "cli/redact.h"
#include "cli/render_folded.h"
#include "cli/render_html.h"
#include "cli/report_diff.h"
#include "cli/suppressing.h"
#include "cli/terminal.h"
#include "cli/thread_stacks.h"
#include "watch/output_dir.h"
#include "watch/render.h"

namespace socktrack {
namespace {

struct ReportRequest {
  std::string from;  // "" = the default directories
  std::string json;  // "" = not asked for, "-" = standard output
  std::string html;
  std::string folded;  // "open", "sighting", or "" = not asked for
  std::vector<std::string> diff;
  bool redact = false;
  int stacks_of = 0;
  DebugPlaces places;
  std::string suppress;
  std::vector<std::string> ignore;
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

void write_to(const std::string& to, const std::string& text) {
  if (to != "-") return NewFile(to).commit(text);
  write_out(text);
}

// What cannot be read is said on standard error, and stays in the JSON.
Report loaded(const std::vector<std::string>& files, const ReportRequest& request, Names& names,
              const Suppressions& suppressions) {
  Report report = [&] {
    TellingNames telling(names);
    return load_report(files, telling);
  }();
  suppressions.apply(report);
  if (request.redact) redact(report);
  for (const BlindSpotNote& note : report.notes) std::cerr << "socktrack: " << printable(note.what) << '\n';
  if (report.processes.empty()) throw RecordingError("no recording could be read");
  return report;
}

std::string text_of(Report report) {
  report.notes.clear();  // they stand on standard error
  TextStyle style;
  style.colour = wants_colour(STDOUT_FILENO);
  return render_text(report, style);
}

void show_files(const std::vector<std::string>& files, const ReportRequest& request, Names& names,
                const Suppressions& suppressions) {
  const Report report = loaded(files, request, names, suppressions);
  if (!request.json.empty()) return write_to(request.json, render_json(report));
  if (!request.html.empty()) {
    return write_to(request.html, render_html(report, request.redact ? Sources::no : Sources::yes));
  }
  if (!request.folded.empty()) {
    return write_to(
        "-", render_folded(report, request.folded == "open" ? FoldedBy::open_site : FoldedBy::sighting_site));
  }
  write_to("-", text_of(report));
}

void show_diff(const ReportRequest& request, Names& names, const Suppressions& suppressions) {
  const Report before = loaded(find_recordings(request.diff[0]), request, names, suppressions);
  const Report after = loaded(find_recordings(request.diff[1]), request, names, suppressions);
  const std::vector<GroupChange> changes = changes_between(before, after);
  if (!request.json.empty()) return write_to(request.json, render_diff_json(changes));
  write_to("-", render_diff_text(changes, wants_colour(STDOUT_FILENO)));
}

void show_stacks(const ReportRequest& request, Names& names) {
  std::vector<ThreadStack> threads = thread_stacks(request.stacks_of, names);
  std::cout << "\nthreads of process " << request.stacks_of << '\n';
  for (ThreadStack& thread : threads) {
    if (request.redact) redact_stack(thread.frames);
    std::cout << "  " << thread.tid << ' ' << printable(thread.name) << ": " << thread.doing << '\n';
    if (!thread.problem.empty()) std::cout << "    " << thread.problem << '\n';
    for (const std::string& line : stack_lines(thread.frames)) std::cout << "    " << line << '\n';
  }
  std::cout << std::flush;
}

// Without a place to look into, --stacks needs no recording: it shows what there is of that process.
void show(const ReportRequest& request) {
  const Suppressions suppressions = suppressions_of(request.suppress, request.ignore);
  const std::unique_ptr<Names> names = make_dwarf_names(request.places);
  if (!request.diff.empty()) return show_diff(request, *names, suppressions);
  if (request.from.empty() && request.stacks_of != 0) {
    std::string places;
    std::vector<std::string> files = files_of_default_places(places);
    std::erase_if(files, [&](const std::string& file) { return !is_of_process(file, request.stacks_of); });
    if (!files.empty()) show_files(files, request, *names, suppressions);
  } else {
    show_files(files_for(request), request, *names, suppressions);
  }
  if (request.stacks_of != 0) show_stacks(request, *names);
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

CLI::Option* add_forms(CLI::App& command, ReportRequest& request) {
  CLI::Option* json = command.add_option("--json", request.json, "Write JSON to FILE, or to standard output")
                          ->expected(0, 1)
                          ->type_name("[FILE]");
  CLI::Option* html =
      command.add_option("--html", request.html, "Write a page that loads nothing; - is standard output")
          ->type_name("FILE")
          ->excludes(json);
  CLI::Option* folded =
      command
          .add_flag("--folded{open}", request.folded,
                    "Stacks for flame graphs, by where sockets were opened or their end was seen")
          ->type_name("[=open|sighting]")
          ->check(CLI::IsMember({"open", "sighting"}))
          ->excludes(json)
          ->excludes(html);
  command.add_option("--diff", request.diff, "What is new, growing or gone from A to B, by fingerprint")
      ->expected(2)
      ->type_name("A B")
      ->excludes(html)
      ->excludes(folded)
      ->excludes("from");
  command.add_flag("--redact", request.redact, "Hide addresses and homes: to be pasted into an issue");
  return json;
}

void add_places(CLI::App& command, DebugPlaces& places) {
  command.add_option("--sysroot", places.sysroot, "Where the files of the recorded machine lie here")
      ->type_name("DIR")
      ->check(CLI::ExistingDirectory);
  command.add_option("--debug-path", places.debug_path, "Where separate debug files lie; with : between")
      ->type_name("DIRS");
  command.add_flag("--debuginfod", places.debuginfod, "Ask the servers of DEBUGINFOD_URLS as well");
}

}  // namespace

void add_report_command(CLI::App& app) {
  auto request = std::make_shared<ReportRequest>();
  CLI::App* command = app.add_subcommand("report", "Show what recordings say: leaks by file and line");
  command->add_option("from", request->from, "Directory of recordings, or one recording")
      ->type_name("DIR|FILE");
  CLI::Option* json = add_forms(*command, *request);
  command->add_option("--suppress", request->suppress, "Groups that a rule of FILE meets are no leaks")
      ->type_name("FILE");
  command->add_option("--ignore", request->ignore, "... nor are groups with these fingerprints")
      ->type_name("FINGERPRINT,...")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--stacks", request->stacks_of, "Add what each thread of this process is doing now")
      ->type_name("PID")
      ->check(process_id())
      ->excludes(json)
      ->excludes("--html")
      ->excludes("--folded")
      ->excludes("--diff");
  add_places(*command, request->places);
  command->footer("Example:\n  socktrack report --html leaks.html && xdg-open leaks.html");
  command->callback([request, json] {
    sort_out(*request, json->count() > 0);
    show(*request);
  });
}

}  // namespace socktrack
