#include "preload/php_frames.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "preload/elf_symbols.h"
#include "preload/readable.h"
#include "preload/small_text.h"

namespace socktrack::php {
namespace {

using Address = std::uintptr_t;

// The same in PHP 7.1 to 8.4 on 64 bit; bytes.
namespace at {
constexpr Address opline = 0, function = 24, previous = 48;
constexpr Address kind = 0, name = 8, scope = 16;  // in a function
constexpr Address line_of_op = 24;
constexpr Address name_of_class = 8;
constexpr Address length = 16, text = 24;  // in a string
}  // namespace at
// In a function of the user; where exactly differs.
constexpr Address kFirstFile = 48;
constexpr Address kLastFile = 240;
constexpr int kMostFrames = 64;

struct EnginePlace {
  Address execute, execute_end;
  Address start, end;  // of the module
  Address globals, globals_end;
  const char* (*file)();
  std::uint32_t (*line)();

  bool operator==(const EnginePlace&) const = default;
};

struct Engine : EnginePlace {
  // Where the innermost frame and a function's file were last found: offsets into the globals and the
  // function.
  std::atomic<std::uint32_t> frame_at, file_at;
};

// Apache unloads all its modules for a moment when it reads its configuration anew, and they may come back
// elsewhere. What was noted of one place is never written over: another thread may still read it.
constexpr std::uint32_t kMostPlaces = 16;
Engine g_engines[kMostPlaces];
std::atomic<std::uint32_t> g_taken{0};
std::atomic<Engine*> g_known{nullptr};

// False: no such memory.
template <typename T>
bool load(Address from, T& value) {
  if (from < 4096 || from > Address{1} << 47U ||
      !is_readable(reinterpret_cast<const void*>(from), std::max<std::size_t>(sizeof value, 8)))
    return false;
  std::memcpy(&value, reinterpret_cast<const void*>(from), sizeof value);
  return true;
}

struct Frame {
  Address opline, function, previous;
};

bool load_frame(Address from, Frame& frame) {
  return load(from + at::opline, frame.opline) && load(from + at::function, frame.function) &&
         load(from + at::previous, frame.previous);
}

bool is_of_the_user(const Frame& frame) {  // not C, and not a place holder
  unsigned char kind = 1;
  return frame.function != 0 && load(frame.function + at::kind, kind) && (kind == 2 || kind == 4);
}

// Leaves the frame at the first of PHP code, from `from` outwards. False: there is none.
bool next_of_the_user(Address from, Frame& frame) {
  for (int i = 0; from != 0 && i < kMostFrames; i++, from = frame.previous) {
    if (!load_frame(from, frame)) return false;
    if (is_of_the_user(frame)) return true;
  }
  return false;
}

// Keeps what is in the text if there is no such string.
void add_string(Address string, SmallText& text) {
  std::uint64_t length = 0;
  if (!load(string + at::length, length)) return;
  for (std::uint64_t i = 0; i < length && i < 400; i += 8) {
    char part[8];
    if (!load(string + at::text + i, part)) return;  // strings are padded to words
    for (std::uint64_t n = 0; n < 8 && i + n < length && part[n] != '\0'; n++) text.add(part[n]);
  }
}

bool says_line(const Frame& frame, std::uint32_t line) {
  std::uint32_t found = 0;
  return load(frame.opline + at::line_of_op, found) && found == line;
}

bool says_file(const Frame& frame, std::uint32_t file_at, const char* file) {
  Address string = 0;
  return load(frame.function + file_at, string) && string + at::text == reinterpret_cast<Address>(file);
}

bool says_both(Address innermost, std::uint32_t file_at, const char* file, std::uint32_t line) {
  Frame frame{};
  return next_of_the_user(innermost, frame) && says_line(frame, line) && says_file(frame, file_at, file);
}

Address innermost_of(const Engine& engine, std::uint32_t frame_at) {
  Address innermost = 0;
  std::memcpy(&innermost, reinterpret_cast<const void*>(engine.globals + frame_at), sizeof innermost);
  return innermost;
}

// The innermost frame; 0 if the engine is none we understand.
Address find_innermost(Engine& engine, const char* file, std::uint32_t line) {
  std::uint32_t file_at = engine.file_at.load(std::memory_order_relaxed);
  const Address known = innermost_of(engine, engine.frame_at.load(std::memory_order_relaxed));
  if (file_at != 0 && says_both(known, file_at, file, line)) return known;
  for (std::uint32_t frame_at = 0; engine.globals + frame_at + 8 <= engine.globals_end; frame_at += 8) {
    const Address innermost = innermost_of(engine, frame_at);
    Frame frame{};
    if (innermost == 0 || !next_of_the_user(innermost, frame) || !says_line(frame, line)) continue;
    for (file_at = kFirstFile; file_at <= kLastFile; file_at += 8) {
      if (!says_file(frame, file_at, file)) continue;
      engine.frame_at.store(frame_at, std::memory_order_relaxed);
      engine.file_at.store(file_at, std::memory_order_relaxed);
      return innermost;
    }
  }
  return 0;
}

void name_function(const Frame& frame, SmallText& text) {
  Address name = 0;
  Address scope = 0;
  if (!load(frame.function + at::name, name) || name == 0) {
    text.add("{main}");
    return;
  }
  if (load(frame.function + at::scope, scope) && scope != 0 && load(scope + at::name_of_class, scope)) {
    add_string(scope, text);
    if (text.size() > 0) text.add("::");
  }
  add_string(name, text);
}

void read_line(const Engine& engine, const Frame& frame, Line& line) {
  SmallText function{line.function, sizeof line.function};
  name_function(frame, function);
  SmallText file{line.file, sizeof line.file};
  Address string = 0;
  if (load(frame.function + engine.file_at.load(std::memory_order_relaxed), string)) add_string(string, file);
  line.line = 0;
  load(frame.opline + at::line_of_op, line.line);
}

// Where it was before, else a new place. nullptr: there were too many.
Engine* engine_at(const EnginePlace& found) {
  const std::uint32_t taken = std::min(g_taken.load(std::memory_order_acquire), kMostPlaces);
  for (std::uint32_t i = 0; i < taken; i++) {
    if (g_engines[i] == found) return &g_engines[i];
  }
  const std::uint32_t at = g_taken.fetch_add(1, std::memory_order_acq_rel);
  if (at >= kMostPlaces) return nullptr;
  static_cast<EnginePlace&>(g_engines[at]) = found;
  return &g_engines[at];
}

}  // namespace

void consider(const dl_find_object& module) {
  const ExportedSymbol execute = exported_symbol(module, "execute_ex");
  if (execute.address == 0) return;
  // Builds with thread safety have no such variable.
  const ExportedSymbol globals = exported_symbol(module, "executor_globals");
  if (globals.address == 0 || globals.size < 8) return;
  EnginePlace found{};
  if (!bind(module, "zend_get_executed_filename", found.file) ||
      !bind(module, "zend_get_executed_lineno", found.line))
    return;
  found.execute = execute.address;
  found.execute_end = execute.address + execute.size;
  found.start = reinterpret_cast<Address>(module.dlfo_map_start);
  found.end = reinterpret_cast<Address>(module.dlfo_map_end);
  found.globals = globals.address;
  found.globals_end = globals.address + globals.size;
  if (Engine* engine = engine_at(found); engine != nullptr) g_known.store(engine, std::memory_order_release);
}

void forget_if_gone() {
  Engine* engine = g_known.load(std::memory_order_acquire);
  dl_find_object module{};
  if (engine != nullptr && _dl_find_object(reinterpret_cast<void*>(engine->execute), &module) != 0)
    g_known.compare_exchange_strong(engine, nullptr, std::memory_order_release, std::memory_order_relaxed);
}

bool is_known() { return g_known.load(std::memory_order_relaxed) != nullptr; }

bool runs_php(std::uintptr_t address) {
  const Engine* engine = g_known.load(std::memory_order_acquire);
  return engine != nullptr && address >= engine->execute && address < engine->execute_end;
}

bool is_engine(std::uintptr_t address) {
  const Engine* engine = g_known.load(std::memory_order_acquire);
  return engine != nullptr && address >= engine->start && address < engine->end;
}

void for_each_line(bool (*visit)(const Line& line, void* argument), void* argument) {
  Engine* engine = g_known.load(std::memory_order_acquire);
  if (engine == nullptr) return;
  const char* file = engine->file();
  const std::uint32_t number = engine->line();
  if (file == nullptr || number == 0 || *file == '[') return;  // "[no active file]"
  Line line;
  Frame frame{};
  Address from = find_innermost(*engine, file, number);
  if (from == 0) {  // what PHP itself says is still true
    SmallText{line.function, sizeof line.function}.add("{unknown}");
    SmallText{line.file, sizeof line.file}.add(file);
    line.line = number;
    visit(line, argument);
    return;
  }
  for (int i = 0; i < kMostFrames && next_of_the_user(from, frame); i++, from = frame.previous) {
    read_line(*engine, frame, line);
    if (!visit(line, argument)) return;
  }
}

}  // namespace socktrack::php
