// The report as one page that loads nothing.
#pragma once

#include <string>

#include "watch/report.h"

namespace socktrack {

enum class Sources { no, yes };  // yes: the lines around the frames, from files that can be read here

std::string render_html(const Report& report, Sources sources);

}  // namespace socktrack
