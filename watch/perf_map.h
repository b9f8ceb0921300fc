// The map that runtimes write of the code they make at run time, for perf and its like: /tmp/perf-PID.map,
// one line "START SIZE NAME" a function, addresses in hexadecimal. Node (--perf-basic-prof), Ruby
// (--yjit-perf=map), .NET (DOTNET_PerfMapEnabled=1) and others write it if they are asked to.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "socktrack/recording.h"
#include "watch/report.h"

namespace socktrack {

class PerfMap {
 public:
  PerfMap() = default;  // knows nothing
  explicit PerfMap(std::string text);

  // Of the process of a recording, read now. Knows nothing if there is no regular file that belongs to the
  // process's user, or if it was last written long before the recording began (by another process of that
  // number).
  static PerfMap of_process(const Header& header);

  // The name of the code at `address`; "" if unknown. Code moves and memory is used again: the last line
  // counts.
  std::string_view name_at(std::uint64_t address) const;

  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::uint64_t start, size;
    std::size_t name_at, name_size;
  };
  std::string text_;
  std::vector<Entry> entries_;
};

// Function, file and line of a name as runtimes write them:
//   V8       "JS:*handle /srv/shop.js:12:7"   the line is that of the function's beginning
//   CPython  "py::handle:/srv/shop.py"
// Any other name is a function.
void take_name(Frame& frame, std::string_view name);

// Is `code`, made at run time, what CPython runs the function of `line` by (-X perf)? It says the same once
// more.
bool is_trampoline(const Frame& code, const Frame& line);

}  // namespace socktrack
