// From recordings on disk to one report, for every command that shows one.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "watch/names.h"
#include "watch/recording_reader.h"
#include "watch/report.h"
#include "watch/report_builder.h"

namespace socktrack {

// Whether the process of the recording still exists. A stranger that took over its pid is told by its
// start time, a zombie counts as gone. The exit status is left empty: only a parent can know it.
ProcessFate fate_of(const RecordingView& recording);

// Reads `files` in the order given. A file that cannot be read becomes a note of the report and
// never stops it. `exit_statuses`: pid -> status as waited for, 128+signal if killed.
Report load_report(const std::vector<std::string>& files, Names& names,
                   const std::map<int, int>& exit_statuses = {});

// All recordings of `directory`, oldest first (or the one file, if it is one). No recordings there is
// a report without processes. Throws RecordingError if the directory itself cannot be read.
Report load_report(const std::string& directory, Names& names, const std::map<int, int>& exit_statuses);

}  // namespace socktrack
