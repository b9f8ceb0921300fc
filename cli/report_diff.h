// What changed between two reports, by fingerprint: the same bug has the same one in every run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "watch/report.h"

namespace socktrack {

enum class Change { appeared, grew, same, shrank, gone };

struct GroupChange {
  Change change = Change::same;
  std::string fingerprint;
  std::string verdict;
  std::string opened_at, seen_at;  // "handle_client server.c:61"; "" = not known
  std::uint64_t before = 0, after = 0;
};

// Those that are new first, then growing, unchanged, shrinking and gone ones; larger ones first.
std::vector<GroupChange> changes_between(const Report& before, const Report& after);

std::string render_diff_text(const std::vector<GroupChange>& changes, bool colour);
std::string render_diff_json(const std::vector<GroupChange>& changes);  // ends with a newline

}  // namespace socktrack
