#include "watch/fingerprint.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <utility>
#include <vector>

#include "watch/own_code.h"
#include "watch/runtime_functions.h"
#include "watch/vocabulary.h"

namespace socktrack {
namespace {

// Deeper frames tell what the program does, not where it forgot to close.
constexpr std::uint32_t kTellingFrames = 8;

// FNV-1a with a final mix: fixed for ever, because people write fingerprints into files.
class Hash {
 public:
  void add(std::string_view text) {
    for (const char c : text) step(static_cast<std::uint8_t>(c));
    step(0xff);  // ends a text, so that "ab","c" and "a","bc" differ
  }
  std::string hex() const {
    std::uint64_t mixed = value_ ^ (value_ >> 33U);
    mixed *= 0xff51afd7ed558ccdULL;
    mixed ^= mixed >> 33U;
    char text[17];
    std::snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(mixed));
    return text;
  }

 private:
  void step(std::uint8_t byte) { value_ = (value_ ^ byte) * 0x100000001b3ULL; }
  std::uint64_t value_ = 0xcbf29ce484222325ULL;
};

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// The function where there is a symbol for it, else the place in this very build of the module. Not the entry
// point: some builds of the C library end the stack before it, some after it.
std::string name_of_frame(const Frame& frame) {
  if (frame.function == "_start") return "";
  if (!frame.function.empty()) return base_name(frame.module) + " " + frame.function;
  char offset[24];
  std::snprintf(offset, sizeof(offset), "+%llx", static_cast<unsigned long long>(frame.offset));
  return (frame.build_id.empty() ? base_name(frame.module) : frame.build_id) + offset;
}

std::string name_of_frame(const RecordingView& recording, std::uint64_t frame, SymbolTableNames& names) {
  if (frame_module(frame) == kManagedModule) {
    const ManagedFrame* managed = recording.managed(frame_offset(frame));
    if (managed == nullptr) return "";
    return base_name(std::string(recording.file_of(*managed))) + " " +
           std::string(recording.function_of(*managed));
  }
  const Module* module = recording.module(frame_module(frame));
  if (module == nullptr || is_system_library(module->path)) return "";
  return name_of_frame(names.frames_at(*module, frame_offset(frame)).front());
}

// Class and method of each Java frame, innermost first: of the program if it has any in this stack, else of
// the JDK. Which of the JDK's frames lie in between is its own business, and changes with its version.
std::vector<std::string> java_methods(const RecordingView& recording, const Site& site) {
  std::vector<std::string> own;
  std::vector<std::string> all;
  for (std::uint32_t i = 0; i < std::min(site.depth.load(), kMaxFrames); ++i) {
    if (frame_module(site.frames[i]) != kManagedModule) continue;
    const ManagedFrame* managed = recording.managed(frame_offset(site.frames[i]));
    if (managed == nullptr || managed->language != Language::java) continue;
    all.emplace_back(recording.function_of(*managed));
    if (!is_of_jdk(all.back())) own.push_back(all.back());
  }
  return own.empty() ? all : own;
}

// File and function of each line of the program that an event loop made the call for, innermost first.
std::vector<std::string> awaiting_functions(const RecordingView& recording, const Site& site) {
  std::vector<std::string> own;
  for (std::uint32_t i = 0; i < std::min(site.depth.load(), kMaxFrames); ++i) {
    if (frame_module(site.frames[i]) != kManagedModule) continue;
    const ManagedFrame* managed = recording.managed(frame_offset(site.frames[i]));
    if (managed == nullptr || managed->role == LineRole::running) continue;
    const std::string file(recording.file_of(*managed));
    if (file.find("/lib/python") != std::string::npos) continue;
    own.push_back(base_name(file) + " " + std::string(recording.function_of(*managed)));
  }
  return own;
}

// Adds at most so many, each once in a row: how deep a recursion was is chance.
class Telling {
 public:
  explicit Telling(Hash& hash) : hash_(hash) {}
  void add(std::string name) {
    if (name.empty() || name == before_ || is_full()) return;
    hash_.add(name);
    before_ = std::move(name);
    added_++;
  }
  bool is_full() const { return added_ == kTellingFrames; }

 private:
  Hash& hash_;
  std::string before_;
  std::uint32_t added_ = 0;
};

// Frames without a module are JIT code: their addresses mean nothing in another run and are left out.
void add_stack(Hash& hash, const RecordingView& recording, std::uint32_t site_index,
               SymbolTableNames& names) {
  const Site* site = recording.site(site_index);
  Telling telling(hash);
  if (site != nullptr) {
    std::vector<std::string> known = java_methods(recording, *site);
    if (known.empty()) known = awaiting_functions(recording, *site);
    for (const std::string& each : known) telling.add(each);
    const std::uint32_t depth = known.empty() ? std::min(site->depth.load(), kMaxFrames) : 0;
    for (std::uint32_t i = 0; i < depth && !telling.is_full(); ++i)
      telling.add(name_of_frame(recording, site->frames[i], names));
  }
  hash.add("end of stack");
}

}  // namespace

std::string Fingerprints::of(const RecordingView& recording, const Group& group) {
  Hash hash;
  hash.add(std::string_view(name_of(group.verdict)));
  add_stack(hash, recording, group.open_site, names_);
  add_stack(hash, recording, group.sighting_site, names_);
  return hash.hex();
}

}  // namespace socktrack
