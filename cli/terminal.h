// What may be written to a descriptor of the user's.
#pragma once

#include <string>

namespace socktrack {

// To standard output, at once. Throws Failure if it cannot be written there.
void write_out(const std::string& text);

// A terminal that does colours, and nobody who said NO_COLOR (no-color.org).
bool wants_colour(int descriptor);

// Opens the null device for each of descriptors 0 to 2 that the command was started without, so that no
// file of ours ever takes its number and gets to hold what is written to standard error. A program that
// is started does not see them.
void fill_standard_descriptors();

}  // namespace socktrack
