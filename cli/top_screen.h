// What `socktrack top` shows, as rows of text: a pure function of the model and the size of the screen.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cli/top_model.h"

namespace socktrack {

enum class TopLook { plain, title, header, selected, bad, faint, question };

struct TopRow {
  std::string text;  // no longer than the screen is wide, in characters; no control characters
  TopLook look = TopLook::plain;
};

// `model` learns how much is seen at once. As many rows as the screen has, or fewer.
std::vector<TopRow> top_screen(TopModel& model, std::size_t width, std::size_t height);

// The same lists without end and without a cursor, for scripts and for terminals that only print.
std::string top_once(const Report& report, const std::string& clock);

// The first `width` characters of UTF-8 text; what is no UTF-8 counts byte by byte.
std::string cut_to(const std::string& text, std::size_t width);

}  // namespace socktrack
