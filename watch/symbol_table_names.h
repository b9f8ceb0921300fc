// Function names from the symbol table of the file a module was loaded from, for reports written
// inside a program that has no command beside it. No source lines, no inlined frames.
//
// The file is read, never mapped (it may be truncated while we look), every field of it is checked,
// and the loader is not asked: its lock may be held by the thread that is stuck.
// Not thread-safe. Opens files: only for a thread with a descriptor table of its own.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "watch/names.h"

namespace socktrack {

class SymbolTableNames final : public Names {
 public:
  std::vector<Frame> frames_at(const Module& module, std::uint64_t offset) override;

 private:
  std::map<std::pair<std::string, std::uint64_t>, std::string>
      functions_;  // by path and build-id, and offset
};

}  // namespace socktrack
