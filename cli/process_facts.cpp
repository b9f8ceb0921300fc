#include "cli/process_facts.h"

#include <elf.h>
#include <sys/auxv.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace socktrack {
namespace {

namespace fs = std::filesystem;

// "…/libx.so (deleted)" is libx.so.
std::string file_name_of(const std::string& line) {
  const auto path = line.find('/');
  if (path == std::string::npos) return "";
  std::string name = line.substr(line.rfind('/') + 1);
  if (name.ends_with(" (deleted)")) name.resize(name.size() - sizeof " (deleted)" + 1);
  return name;
}

// The environment as it was at exec: entries that end with a zero byte each.
bool has_environment(int pid, const std::vector<std::string>& entries) {
  std::ifstream file(proc_file(pid, "environ"), std::ios::binary);
  std::size_t found = 0;
  for (std::string entry; std::getline(file, entry, '\0');) {
    found += std::count(entries.begin(), entries.end(), entry) > 0 ? 1U : 0U;
  }
  return found == entries.size();
}

}  // namespace

std::string proc_file(int pid, const char* name) { return "/proc/" + std::to_string(pid) + "/" + name; }

Known is_secure_exec(int pid) {
  std::ifstream file(proc_file(pid, "auxv"), std::ios::binary);
  for (Elf64_auxv_t entry{}; file.read(reinterpret_cast<char*>(&entry), sizeof entry);) {
    if (entry.a_type == AT_SECURE) return entry.a_un.a_val != 0 ? Known::yes : Known::no;
  }
  return Known::not_told;
}

Known has_mapped(int pid, const std::string& file_name, bool* libc) {
  std::ifstream file(proc_file(pid, "maps"));
  Known answer = Known::not_told;  // an empty list is that of a process on its way out
  if (libc != nullptr) *libc = false;
  for (std::string line; std::getline(file, line);) {
    const std::string name = file_name_of(line);
    if (name == file_name) return Known::yes;
    if (libc != nullptr && name.starts_with("libc.so")) *libc = true;
    answer = Known::no;
  }
  return answer;
}

Known uses_io_uring(int pid) {
  std::error_code error;
  fs::directory_iterator entry(proc_file(pid, "fd"), error);
  if (error) return Known::not_told;
  for (const fs::directory_iterator end; !error && entry != end; entry.increment(error)) {
    std::error_code gone;
    if (fs::read_symlink(entry->path(), gone) == "anon_inode:[io_uring]") return Known::yes;
  }
  return Known::no;
}

std::vector<int> processes_with(const std::vector<std::string>& entries) {
  std::vector<int> pids;
  std::error_code error;
  for (fs::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    int pid = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ec == std::errc{} && has_environment(pid, entries)) pids.push_back(pid);
  }
  return pids;
}

std::string status_field(int pid, const std::string& name) {
  std::ifstream file(proc_file(pid, "status"));
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name + ":")) {
      const auto value = line.find_first_not_of(" \t", name.size() + 1);
      return value == std::string::npos ? "" : line.substr(value);
    }
  }
  return "";
}

}  // namespace socktrack
