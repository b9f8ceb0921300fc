// The commands of `socktrack`. Each adds itself to the command line. When chosen it sets `exit_status`, or
// throws Failure (cli/failure.h). Exit statuses are part of the contract (docs/man/socktrack.1):
//   0 fine, 1 could not be done, 2 wrong usage or bad value, 3 will not work here (check, run),
//   23 (or --fail-on-leak=N) leaks found, else the status of the program that was run.
#pragma once

#include <CLI/CLI.hpp>

namespace socktrack {

inline constexpr int kCannot = 1;
inline constexpr int kUsage = 2;
inline constexpr int kWillNotWork = 3;

void add_run_command(CLI::App& app, int& exit_status);
void add_report_command(CLI::App& app);
void add_check_command(CLI::App& app, int& exit_status);
void add_scan_command(CLI::App& app);
void add_close_command(CLI::App& app, int& exit_status);
void add_mitigate_command(CLI::App& app);
void add_top_command(CLI::App& app, int& exit_status);
void add_clean_command(CLI::App& app, int& exit_status);
void add_completion_command(CLI::App& app, int& exit_status);

}  // namespace socktrack
