// Numbers as people say them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace socktrack {

// "1 socket", "2 sockets"; `more` where an s at the end will not do.
std::string counted(std::uint64_t count, std::string_view one, std::string_view more = "");

// "9.5 s", "119 s", "3 min", "2.5 h"
std::string duration_in_words(double seconds);

}  // namespace socktrack
