// What /proc tells about a process, as far as it matters to a preloaded library.
#pragma once

#include <string>
#include <vector>

namespace socktrack {

// "/proc/PID/NAME"
std::string proc_file(int pid, const char* name);

enum class Known { yes, no, not_told };  // not_told: no permission, or the process is gone

// Runs with rights it gained by exec: the loader ignored preloaded libraries.
Known is_secure_exec(int pid);

// A file of this name (without directory) is mapped. `libc`: set to whether a C library is mapped, which
// the loader does after everything preloaded.
Known has_mapped(int pid, const std::string& file_name, bool* libc = nullptr);

// A descriptor is an io_uring.
Known uses_io_uring(int pid);

// The living processes of this user whose environment holds all of `entries` ("NAME=value").
std::vector<int> processes_with(const std::vector<std::string>& entries);

// One line of /proc/PID/status, "" if there is none: status_field(1, "Seccomp") is "0", "1" or "2".
std::string status_field(int pid, const std::string& name);

}  // namespace socktrack
