// The report as text for people and as JSON for scripts (schema docs/report.schema.json).
#pragma once

#include <string>

#include "watch/report.h"
#include "watch/stack_text.h"

namespace socktrack {

struct TextStyle {
  bool colour = false;
  std::string prefix;             // put before every line, e.g. "socktrack: "
  std::size_t sockets_shown = 5;  // samples per group
};

std::string render_text(const Report& report, const TextStyle& style);

std::string render_json(const Report& report);  // ends with a newline

}  // namespace socktrack
