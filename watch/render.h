// The report as text for people and as JSON for scripts (schema docs/report.schema.json).
#pragma once

#include <string>
#include <vector>

#include "watch/report.h"

namespace socktrack {

struct TextStyle {
  bool colour = false;
  std::string prefix;             // put before every line, e.g. "socktrack: "
  std::size_t sockets_shown = 5;  // samples per group
};

std::string render_text(const Report& report, const TextStyle& style);
// The lines of one stack without line ends, innermost first: "#0  handle_client  server.c:61". What is
// deeper than 16 frames becomes "... n more".
std::vector<std::string> stack_lines(const std::vector<Frame>& frames);

std::string render_json(const Report& report);  // ends with a newline

}  // namespace socktrack
