#include "cli/load_report.h"

#include <unistd.h>

#include <fstream>
#include <sstream>

namespace socktrack {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

// State and start time (clock ticks since boot) of /proc/PID/stat: fields 3 and 22. Field 2 is a name
// in parentheses that may hold spaces and parentheses itself, so counting starts at the last ')'.
bool read_stat(std::uint32_t pid, char& state, std::uint64_t& start_ticks) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(file, line, '\0')) return false;
  const auto name_end = line.rfind(')');
  if (name_end == std::string::npos) return false;
  std::istringstream fields(line.substr(name_end + 1));
  if (!(fields >> state)) return false;
  std::string skipped;
  for (int field = 4; field < 22; ++field) fields >> skipped;
  return static_cast<bool>(fields >> start_ticks);
}

bool is_running(const Header& header) {
  if (static_cast<EndedBy>(header.ended_by.load()) != EndedBy::not_yet) return false;
  char state = 0;
  std::uint64_t start_ticks = 0;
  if (!read_stat(header.pid, state, start_ticks)) return false;
  if (state == 'Z' || state == 'X') return false;
  const auto per_second = static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
  const std::uint64_t created_ticks = header.created_boottime_ns / (kSecond / per_second);
  return start_ticks <= created_ticks + 1;
}

// After exec the pid goes on under another recording, and the status belongs to that one.
void add_exit_status(ProcessFate& fate, const Header& header, const std::map<int, int>& exit_statuses) {
  if (static_cast<EndedBy>(header.ended_by.load()) == EndedBy::exec) return;
  const auto found = exit_statuses.find(static_cast<int>(header.pid));
  if (found == exit_statuses.end()) return;
  fate.exit_status = found->second;
  fate.running = false;
}

}  // namespace

ProcessFate fate_of(const RecordingView& recording) { return {is_running(recording.header()), {}}; }

Report load_report(const std::vector<std::string>& files, Names& names,
                   const std::map<int, int>& exit_statuses) {
  Report report;
  for (const std::string& file : files) {
    try {
      const RecordingView recording = RecordingView::of_file(file);
      ProcessFate fate = fate_of(recording);
      add_exit_status(fate, recording.header(), exit_statuses);
      report.processes.push_back(build_process(recording, fate, names));
      const ProcessReport& process = report.processes.back();
      report.complete = report.complete && !process.running && process.final_look;
    } catch (const RecordingNotBegun& error) {
      // Among others it is an ordinary leftover of a child; alone it is the answer somebody waits for.
      if (files.size() == 1) report.notes.push_back({"unreadable_recording", 1, error.what()});
    } catch (const RecordingError& error) {
      report.notes.push_back({"unreadable_recording", 1, error.what()});
      report.complete = false;
    }
  }
  return report;
}

Report load_report(const std::string& directory, Names& names, const std::map<int, int>& exit_statuses) {
  return load_report(find_recordings(directory), names, exit_statuses);
}

}  // namespace socktrack
