// The half of preflight that looks at a running process.
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "cli/kept_out.h"
#include "cli/library_path.h"
#include "cli/preflight.h"
#include "cli/process_facts.h"

namespace socktrack {
namespace {

using Answer = Preflight::Answer;

void judge_executable(const std::string& proc, Preflight& result) {
  const int file = open((proc + "/exe").c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    result.answer = Answer::unknown;
    result.reason = "Its program file cannot be read.";
    result.advice = "Ask again as the user it runs as, or as root.";
    return;
  }
  const auto facts = read_elf_facts(file);
  close(file);
  if (facts) judge_elf(*facts, result);
}

void note_state(int pid, Preflight& result) {
  const Known tracked = has_mapped(pid, kLibraryName);
  const bool kept_out = tracked == Known::yes && is_kept_out_unrecorded(pid);
  if (kept_out) {
    result.notes.emplace_back(kWhyKeptOut);
  } else if (tracked == Known::yes) {
    result.notes.emplace_back("It is tracked already: `socktrack report` shows what was found so far.");
  } else if (tracked == Known::no) {
    result.notes.emplace_back(
        "It is not tracked: a running process cannot be joined, start it again under `socktrack run` or with "
        "LD_PRELOAD set to the library.");
  }
  if (uses_io_uring(pid) == Known::yes) {
    result.notes.emplace_back(
        "It uses io_uring: reads, accepts and closes that go through a ring are not seen.");
  }
  if (const std::string seccomp = status_field(pid, "Seccomp");
      !kept_out && !seccomp.empty() && seccomp != "0") {
    result.notes.emplace_back(
        "It has a seccomp filter: allow getsockopt, poll and ioctl(FIONREAD) if the verdicts stay away. "
        "Where a launcher installs it before the program begins, the library keeps out unless "
        "SOCKTRACK_INHERITED_FILTER=trust is set.");
  }
}

}  // namespace

Preflight check_process(int pid, Notes notes) {
  const std::string proc = "/proc/" + std::to_string(pid);
  Preflight result;
  const std::string state = status_field(pid, "State");
  std::error_code error;
  const auto exe = std::filesystem::read_symlink(proc + "/exe", error);
  if (pid <= 0 || state.empty()) {
    result.answer = Answer::missing;
    result.reason = "There is no such process.";
    return result;
  }
  if (state.starts_with('Z')) {
    result.answer = Answer::missing;
    result.reason = "The process has ended already.";
    return result;
  }
  if (error == std::errc::no_such_file_or_directory) {
    result.answer = Answer::no;
    result.reason = "It is a thread of the kernel.";
    return result;
  }
  if (!error) {
    result.path = exe.string();
    result.chain.push_back(result.path);
  }
  judge_executable(proc, result);
  if (result.answer == Answer::yes && is_secure_exec(pid) == Known::yes) {
    result.answer = Answer::no;
    result.reason =
        "It gained rights when it was started (setuid, setgid or file capabilities), so the loader ignores "
        "preloaded libraries.";
    result.advice = "Start it as the user it runs as, with ambient capabilities if it needs some.";
  }
  if (notes == Notes::yes && result.answer != Answer::no) note_state(pid, result);
  return result;
}

}  // namespace socktrack
