#include "preload/python_frames.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <iterator>

#include "preload/elf_symbols.h"
#include "preload/known_lines.h"
#include "preload/python_tasks.h"
#include "preload/python_text.h"

namespace socktrack::python {
namespace {

// Where the interpreter keeps things, by minor version; bytes. Made with offsetof from each version's
// headers, checked in tests against each version (stacks.md C). -1 = there is no such field.
struct Shape {
  int minor;
  int state_frame;     // thread state: its frame, or (3.11, 3.12) what holds it
  int holder_current;  // in that: the frame
  int previous;
  int code;
  int instruction;  // an index (before 3.11) or a pointer
  int index_unit;   // bytes an index counts
  int entry;        // 3.11: called from C; 3.12: owner, 3 = a stretch begins here
  int file;
  int function;
  int code_bytes;      // what instruction pointers count from
  int arguments = -1;  // in a code object: how many
  int locals = -1;     // the first local variable; -1 = callbacks of asyncio are not followed
};
constexpr Shape kShapes[] = {
    {6, 24, -1, 24, 32, 120, 1, -1, 96, 104, 0},
    {7, 24, -1, 24, 32, 104, 1, -1, 96, 104, 0},
    {8, 24, -1, 24, 32, 104, 1, -1, 104, 112, 0, 16, 360},
    {9, 24, -1, 24, 32, 104, 1, -1, 104, 112, 0, 16, 360},
    {10, 24, -1, 24, 32, 96, 2, -1, 104, 112, 0, 16, 352},
    {11, 56, 8, 48, 32, 56, 0, 68, 112, 128, 184, 56, 72},
    {12, 56, 0, 8, 0, 56, 0, 70, 112, 128, 192, 52, 72},
    {13, 72, -1, 8, 0, 56, 0, 70, 112, 128, 200, 52, 72},
};
constexpr char kOwnedByC = 3;
constexpr int kMostFrames = 256;

struct Interpreter {
  const Shape* shape = nullptr;
  std::uintptr_t eval = 0, eval_end = 0;
  std::uintptr_t start = 0, end = 0;  // of the module
  std::uintptr_t code_type = 0, text_type = 0;
  ExportedSymbol finalizers[2];
  void* (*this_thread_state)() = nullptr;
  int (*line_of)(void* code, int offset) = nullptr;
  int (*is_initialized)() = nullptr;
  bool follows_tasks = false;
};

constinit Interpreter g_interpreter;
std::atomic<const Interpreter*> g_known{nullptr};
std::atomic<bool> g_taken{false};

template <typename T>
T load(const void* base, int offset) {
  T value;
  std::memcpy(&value, static_cast<const char*>(base) + offset, sizeof value);
  return value;
}

const Shape* shape_of(const char* version) {  // "3.11.2 (main, ..."
  if (std::strncmp(version, "3.", 2) != 0) return nullptr;
  int minor = 0;
  for (const char* at = version + 2; *at >= '0' && *at <= '9'; at++) minor = minor * 10 + (*at - '0');
  for (const Shape& shape : kShapes) {
    if (shape.minor == minor) return &shape;
  }
  return nullptr;
}

// Type of an object: the second word in every build but those of developers and without a global lock; there
// it is something else, and the objects are not what we take them for.
bool is_of_type(const void* object, std::uintptr_t type) {
  return object != nullptr && load<std::uintptr_t>(object, 8) == type;
}

// A compact str as UTF-8, cut to fit, NUL-terminated.
void copy_text(const Interpreter& python, const void* text, char* to, std::size_t room) {
  to[0] = '\0';
  if (!is_of_type(text, python.text_type)) return;
  const TextHead head(text);
  if (!head.sound) return;
  put_text(static_cast<const char*>(text) + text_at(head.ascii), head.length, head.kind, to, room);
}

const void* innermost(const Interpreter& python) {
  const void* state = python.this_thread_state();
  if (state == nullptr) return nullptr;
  const void* frame = load<const void*>(state, python.shape->state_frame);
  if (frame == nullptr || python.shape->holder_current < 0) return frame;
  return load<const void*>(frame, python.shape->holder_current);
}

int instruction_offset(const Shape& shape, const void* frame, const void* code) {
  if (shape.index_unit > 0) return load<int>(frame, shape.instruction) * shape.index_unit;
  const auto at = load<std::uintptr_t>(frame, shape.instruction);
  return static_cast<int>(
      at - (reinterpret_cast<std::uintptr_t>(code) + static_cast<std::uintptr_t>(shape.code_bytes)));
}

// From 3.12 a frame without code of its own marks where C called.
bool is_mark(const Shape& shape, const void* frame) {
  return shape.minor >= 12 && load<char>(frame, shape.entry) == kOwnedByC;
}

// A subject as it is remembered with its line.
std::uint8_t noted(Subject subject) {
  return static_cast<std::uint8_t>(static_cast<unsigned>(subject.kind) << 4U |
                                   static_cast<unsigned>(subject.local));
}
Subject from_note(std::uint8_t note) { return {static_cast<Subject::Kind>(note >> 4U), note & 0xf}; }

bool is_recalled(Line& line) {
  managed::KnownLine found{};
  if (line.place == 0 || !managed::recall_line(line.place, found)) return false;
  line.known = found.index;
  line.note = found.note;
  return true;
}

bool read_line(const Interpreter& python, const void* frame, Line& line) {
  const Shape& shape = *python.shape;
  void* code = load<void*>(frame, shape.code);
  if (!is_of_type(code, python.code_type)) return false;
  const int offset = instruction_offset(shape, frame, code);
  line.role = LineRole::running;
  line.known = 0;
  line.place = python.follows_tasks ? identity_of_running(code, offset) : 0;
  if (!is_recalled(line)) {
    copy_text(python, load<const void*>(code, shape.function), line.function, sizeof line.function);
    copy_text(python, load<const void*>(code, shape.file), line.file, sizeof line.file);
    const int number = python.line_of(code, offset);
    line.line = number > 0 ? static_cast<std::uint32_t>(number) : 0;
    line.note = noted(python.follows_tasks ? subject_of(line) : Subject{});
  }
  const void* previous = load<const void*>(frame, shape.previous);
  line.entry = shape.minor <= 10 || previous == nullptr ||
               (shape.minor == 11 ? load<char>(frame, shape.entry) != 0 : is_mark(shape, previous));
  return true;
}

// Looks at the frames as they go by for a callback of asyncio, and puts in, where its frames end, the lines
// it is made for.
class Callback {
 public:
  // False: the visitor has enough.
  bool pass(const Interpreter& python, const void* frame, const Line& line,
            bool (*visit)(const Line& line, void* argument), void* argument) {
    if (done_ || !python.follows_tasks) return true;
    const Subject subject = from_note(line.note);
    if (kind_ != Subject::Kind::none && subject.kind == Subject::Kind::none) {
      done_ = true;
      return put_in(visit, argument);
    }
    if (kind_ == Subject::Kind::none && subject.kind != Subject::Kind::none) {
      object_ = argument_of(python, frame, subject.local);
      kind_ = subject.kind;
    }
    return true;
  }

 private:
  static Address argument_of(const Interpreter& python, const void* frame, int number) {
    const void* code = load<const void*>(frame, python.shape->code);
    if (load<int>(code, python.shape->arguments) <= number) return 0;
    return load<Address>(frame, python.shape->locals + 8 * number);
  }

  bool put_in(bool (*visit)(const Line& line, void* argument), void* argument) const {
    Places places;
    find_places(kind_, object_, places);
    for (unsigned first = 0; first < places.count; first += kMostPieces) {
      if (!put_some_in(places.at + first, std::min<std::size_t>(places.count - first, kMostPieces), visit,
                       argument))
        return false;
    }
    return true;
  }

  static bool put_some_in(const Place* places, std::size_t count,
                          bool (*visit)(const Line& line, void* argument), void* argument) {
    Code codes[kMostPieces];
    identify(places, count, codes);
    Line line;
    for (std::size_t i = 0; i < count; i++) {
      line.place = codes[i].identity;
      line.known = 0;
      if (line.place == 0) continue;
      if (!is_recalled(line) && !read_place(places[i], codes[i], line)) continue;
      line.role = places[i].role;
      line.entry = false;
      line.note = 0;
      if (!visit(line, argument)) return false;
    }
    return true;
  }

  Subject::Kind kind_ = Subject::Kind::none;
  Address object_ = 0;
  bool done_ = false;
};

}  // namespace

void consider(const dl_find_object& module) {
  const ExportedSymbol eval = exported_symbol(module, "_PyEval_EvalFrameDefault");
  if (eval.address == 0 || g_taken.exchange(true)) return;
  Interpreter& python = g_interpreter;
  const char* (*version)() = nullptr;
  if (!bind(module, "Py_GetVersion", version) ||
      !bind(module, "PyGILState_GetThisThreadState", python.this_thread_state) ||
      !bind(module, "PyCode_Addr2Line", python.line_of) ||
      !bind(module, "Py_IsInitialized", python.is_initialized))
    return;
  python.shape = shape_of(version());
  python.code_type = exported_symbol(module, "PyCode_Type").address;
  python.text_type = exported_symbol(module, "PyUnicode_Type").address;
  if (python.shape == nullptr || python.code_type == 0 || python.text_type == 0) return;
  const int minor = python.shape->minor;
  python.follows_tasks =
      python.shape->locals >= 0 && bind_objects(module, minor) && bind_code(minor) && bind_tasks(minor);
  python.eval = eval.address;
  python.eval_end = eval.address + eval.size;
  python.finalizers[0] = exported_symbol(module, "PyObject_CallFinalizerFromDealloc");
  python.finalizers[1] = exported_symbol(module, "PyObject_CallFinalizer");
  python.start = reinterpret_cast<std::uintptr_t>(module.dlfo_map_start);
  python.end = reinterpret_cast<std::uintptr_t>(module.dlfo_map_end);
  g_known.store(&python, std::memory_order_release);
}

// It is not looked for again: another thread may still read what was noted of it.
void forget_if_gone() {
  dl_find_object module{};
  if (is_known() && _dl_find_object(reinterpret_cast<void*>(g_interpreter.eval), &module) != 0)
    g_known.store(nullptr, std::memory_order_release);
}

bool is_known() { return g_known.load(std::memory_order_relaxed) != nullptr; }

bool runs_python(std::uintptr_t address) {
  const Interpreter* python = g_known.load(std::memory_order_acquire);
  return python != nullptr && address >= python->eval && address < python->eval_end;
}

bool runs_finalizer(std::uintptr_t address) {
  const Interpreter* python = g_known.load(std::memory_order_acquire);
  if (python == nullptr) return false;
  for (const ExportedSymbol& each : python->finalizers) {
    if (address >= each.address && address < each.address + each.size) return true;
  }
  return false;
}

bool is_interpreter(std::uintptr_t address) {
  const Interpreter* python = g_known.load(std::memory_order_acquire);
  return python != nullptr && address >= python->start && address < python->end;
}

bool for_each_line(bool (*visit)(const Line& line, void* argument), void* argument) {
  const Interpreter* python = g_known.load(std::memory_order_acquire);
  if (python == nullptr || python->is_initialized() == 0) return false;
  const Shape& shape = *python->shape;
  const void* frame = innermost(*python);
  Line line;
  Callback callback;
  int seen = 0;
  for (int i = 0; frame != nullptr && i < kMostFrames;
       i++, frame = load<const void*>(frame, shape.previous)) {
    if (is_mark(shape, frame)) continue;
    if (!read_line(*python, frame, line)) break;
    seen++;
    if (!callback.pass(*python, frame, line, visit, argument) || !visit(line, argument)) break;
  }
  return seen > 0;
}

}  // namespace socktrack::python
