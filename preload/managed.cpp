#include "preload/managed.h"

#include <algorithm>
#include <cstring>

#include "preload/hash_mix.h"
#include "preload/java_frames.h"
#include "preload/jit_frames.h"
#include "preload/known_lines.h"
#include "preload/modules.h"
#include "preload/near_places.h"
#include "preload/php_frames.h"
#include "preload/python_frames.h"
#include "preload/recorder.h"
#include "preload/unloaded_code.h"
#include "watch/runtime_functions.h"

namespace socktrack::managed {
namespace {

std::uint64_t hash_of(std::uint64_t hash, std::string_view text) {
  return mix_bytes(hash, text.data(), text.size());
}

// Puts the text into the recording. False: no room.
bool store(Header* recording, std::string_view text, std::uint32_t& at, std::uint16_t& size) {
  text = text.substr(0, kMaxName);
  const auto bytes = static_cast<std::uint32_t>(text.size());
  at = recording->text_used.fetch_add(bytes, std::memory_order_relaxed);
  if (at > kTextBytes || bytes > kTextBytes - at) {
    recording->text_used.store(kTextBytes, std::memory_order_relaxed);
    return false;
  }
  char* to = recorder::text_at(recording, at, bytes);
  if (to == nullptr) return false;
  std::memcpy(to, text.data(), bytes);
  size = static_cast<std::uint16_t>(bytes);
  return true;
}

constexpr NearPlaces kPlaces{.near = 127, .entries = kMaxManaged - 1};  // near: with place 0, a page

// As in sites.cpp: who finds an entry that is not complete yet has found it; readers skip it until it is.
ManagedFrame* claim(Header* recording, std::uint64_t hash, std::uint32_t& index, bool& fresh) {
  fresh = false;
  for (std::uint32_t probe = 0; probe < 64; probe++) {
    index = kPlaces.at(hash, probe) + 1;
    ManagedFrame* frame = recorder::managed_at(recording, index);
    if (frame == nullptr) break;
    std::uint64_t found = frame->hash.load(std::memory_order_relaxed);
    fresh = found == 0 && frame->hash.compare_exchange_strong(found, hash, std::memory_order_relaxed);
    if (fresh || found == hash) return frame;
  }
  recorder::count(BlindSpot::sites_full);
  return nullptr;
}

std::string_view text_in(const Header* recording, std::uint32_t at, std::uint16_t size) {
  return {reinterpret_cast<const char*>(recording) + recording->text_at + at, size};
}

void add(Lines& lines, std::uint32_t index, bool entry, std::uint64_t identity) {
  lines.index[lines.count] = index;
  lines.entry[lines.count++] = entry;
  lines.hash = at_least_1(mix(lines.hash, identity));
}

struct Work {
  Header* recording;
  Lines* lines;
};

void collect_php(Header* recording, Lines& lines) {
  Work work{recording, &lines};
  php::for_each_line(
      [](const php::Line& line, void* argument) {
        auto& [header, all] = *static_cast<Work*>(argument);
        if (all->count == kMaxFrames) return false;
        const std::uint32_t index = intern(header, Language::php, line.function, line.file, line.line);
        add(*all, index, false, index);
        return true;
      },
      &work);
}

std::uint32_t index_of(Header* recording, const python::Line& line) {
  if (line.known != 0) return line.known;
  const std::uint32_t index =
      intern(recording, Language::python, line.function, line.file, line.line, line.role);
  if (line.place != 0 && index != 0)
    keep_line(line.place, {.index = index, .collects = false, .note = line.note, .identity = index});
  return index;
}

void collect_python(Header* recording, Lines& lines) {
  Work work{recording, &lines};
  python::for_each_line(
      [](const python::Line& line, void* argument) {
        auto& [header, all] = *static_cast<Work*>(argument);
        if (all->count == kMaxFrames) return false;
        const std::uint32_t index = index_of(header, line);
        add(*all, index, line.entry, index);
        return true;
      },
      &work);
}

// On which line of its own a class of the JDK calls depends on what came over the net when: the same call of
// the program is to be the same stack.
KnownLine known_line(Header* recording, const java::Line& line) {
  if (line.hidden) return {0, false, 0, 0};
  const std::uint32_t index = intern(recording, Language::java, line.function, line.file, line.line);
  return {index, line.collects, 0, is_of_jdk(line.function) ? hash_of(1, line.function) : index};
}

bool java_line(Header* recording, const java::Access& access, const jvm::StackFrame& frame, KnownLine& line) {
  const std::uint64_t place = at_least_1(
      mix(mix(1, reinterpret_cast<std::uintptr_t>(frame.method)), static_cast<std::uint64_t>(frame.place)));
  if (recall_line(place, line)) return true;
  java::Line named;
  if (!java::read_line(access, frame, named)) return false;
  line = known_line(recording, named);
  if (line.index != 0 || named.hidden) keep_line(place, line);
  return true;
}

void collect_java(Header* recording, Lines& lines) {
  java::Access access;
  if (!java::enter(access)) return;
  jvm::StackFrame frames[java::kMostFrames];
  const std::uint32_t count = java::take_frames(access, frames);
  for (std::uint32_t i = 0; i < count && lines.count < kMaxFrames; i++) {
    KnownLine line{};
    if (!java_line(recording, access, frames[i], line)) break;
    if (line.collects) lines.collector = Collector::on_its_thread;
    if (line.index != 0) add(lines, line.index, false, line.identity);
  }
  lines.java = lines.count;
}

}  // namespace

std::uint32_t intern(Header* recording, Language language, std::string_view function, std::string_view file,
                     std::uint32_t line, LineRole role) {
  const std::uint64_t kind = static_cast<std::uint64_t>(language) | (static_cast<std::uint64_t>(role) << 8U);
  const std::uint64_t hash = at_least_1(mix(hash_of(hash_of(kind, function), file), line));
  std::uint32_t index = 0;
  bool fresh = false;
  ManagedFrame* frame = claim(recording, hash, index, fresh);
  if (frame == nullptr || !fresh) return frame == nullptr ? 0 : index;
  frame->language = language;
  frame->role = role;
  frame->line = line;
  if (!store(recording, function, frame->function_at, frame->function_size) ||
      !store(recording, file, frame->file_at, frame->file_size)) {
    recorder::count(BlindSpot::sites_full);
    return 0;
  }
  frame->ready.store(1, std::memory_order_release);
  recording->managed_used.fetch_add(1, std::memory_order_relaxed);
  return index;
}

std::uint32_t copy(Header* from, std::uint32_t index, Header* to) {
  if (index == 0 || index >= kMaxManaged) return 0;
  const auto& frame =
      reinterpret_cast<const ManagedFrame*>(reinterpret_cast<const char*>(from) + from->managed_at)[index];
  if (frame.ready.load(std::memory_order_acquire) == 0) return 0;
  return intern(to, frame.language, text_in(from, frame.function_at, frame.function_size),
                text_in(from, frame.file_at, frame.file_size), frame.line, frame.role);
}

void note_runtimes() {
  known_runtimes.store(
      (python::is_known() ? 1U : 0U) | (java::is_known() ? 2U : 0U) | (php::is_known() ? 4U : 0U),
      std::memory_order_relaxed);
  // A Java VM tells its frames itself, and the end of the stack tells that it may be asked.
  if (java::is_known()) jit_frames::are_named.store(false, std::memory_order_relaxed);
}

void collect(Header* recording, const StackView& stack, Lines& lines) {
  if (java::is_known() && java::is_called_by_java(stack)) collect_java(recording, lines);
  if (php::is_known() && std::any_of(stack.addresses, stack.addresses + stack.depth, php::runs_php))
    collect_php(recording, lines);
  if (!python::is_known()) return;
  collect_python(recording, lines);
  for (std::uint32_t i = 0; i < stack.depth; i++) {
    if (python::runs_finalizer(stack.addresses[i])) lines.collector = Collector::in_passing;
  }
}

std::uint64_t key_of(const StackView& stack, const Lines& lines) {
  if (lines.java == 0) return stack.hash ^ lines.hash;
  std::uint64_t key = lines.hash;
  for (std::uint32_t i = 0; i + 1 < stack.depth; i++)
    key = mix(key, stack.addresses[i] + turn_of_code(stack.addresses[i]));
  return at_least_1(key);
}

std::uint32_t merge(Header* recording, const StackView& stack, const Lines& lines, std::uint64_t* frames) {
  std::uint32_t depth = 0;
  std::uint32_t next = 0;
  const std::uint32_t native = lines.java > 0 ? stack.depth - 1 : stack.depth;
  const auto add_line = [&] {
    if (depth < kMaxFrames && lines.index[next] != 0)
      frames[depth++] = make_frame(kManagedModule, lines.index[next]);
    return lines.entry[next++];
  };
  for (std::uint32_t i = 0; i < native && depth < kMaxFrames; i++) {
    const std::uintptr_t address = stack.addresses[i];
    if (python::runs_python(address) || php::runs_php(address)) {
      while (next < lines.count && !add_line()) {
      }
    } else if (next == 0 || (!python::is_interpreter(address) && !php::is_engine(address))) {
      frames[depth++] = modules::frame_at(recording, address);
    }
  }
  while (next < lines.count) add_line();  // Java's, or the native stack was cut
  return depth;
}

}  // namespace socktrack::managed
