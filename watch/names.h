// Where names of frames come from. The command asks elfutils (cli/); inside a program only the
// symbol tables are read. Both look at the file the module was loaded from, never at the program; and at what
// its runtime left for tools like perf.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "socktrack/recording.h"
#include "watch/perf_map.h"
#include "watch/report.h"

namespace socktrack {

class Names {
 public:
  virtual ~Names() = default;
  // The frames at `offset` of `module`, innermost inlined one first and at least one. The caller has
  // filled in module, build_id and offset of nothing: the callee returns complete frames.
  virtual std::vector<Frame> frames_at(const Module& module, std::uint64_t offset) = 0;

  // The frame at an address where no module lies, in the process of a recording. What its runtime wrote of
  // the code there is read once a process.
  Frame frame_without_module(const Header& header, std::uint64_t address);

 private:
  std::map<std::uint64_t, PerfMap> maps_;  // by pid and birth
};

// Module and offset only.
class NoNames final : public Names {
 public:
  std::vector<Frame> frames_at(const Module& module, std::uint64_t offset) override;
};

// What every Names implementation starts from: module path, build-id in hex, offset.
Frame bare_frame(const Module& module, std::uint64_t offset);

}  // namespace socktrack
