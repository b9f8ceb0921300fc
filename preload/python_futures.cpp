#include "preload/python_futures.h"

#include <algorithm>

#include "preload/python_functions.h"

namespace socktrack::python {
namespace {

// Made with offsetof from each version's headers, those of asyncio's C module seen in running interpreters;
// bytes. tests/scenario/asyncio_test.cpp runs each version.
struct FutureShape {
  int minor;
  int future_size, task_size;  // another size is another layout: not looked at
  int task_coroutine;
  int generator_frame;  // a pointer (before 3.11), or the frame itself
  int generator_state;  // from 3.11; in 3.10 in the frame
  int frame_code, frame_instruction, frame_top, frame_bottom;
  int created;  // the state of a frame that did not run yet; those above and below 0 wait
};
constexpr FutureShape kShapes[] = {
    {8, 104, 144, 112, 16, -1, 32, 104, 72, 64, 0},   {9, 144, 184, 152, 16, -1, 32, 104, 72, 64, 0},
    {10, 152, 192, 160, 16, 108, 32, 96, 80, 64, -2}, {11, 128, 176, 136, 80, 75, 32, 56, 64, 72, -2},
    {12, 128, 176, 136, 72, 67, 0, 56, 64, 72, -2},   {13, 104, 144, 120, 72, 67, 0, 56, 64, 72, -3},
};
constexpr int kCodeBytes[] = {184, 192, 200};  // 3.11 to 3.13: what instruction pointers count from
constexpr int kFutureCallback = 24, kFutureCallbacks = 40;
constexpr int kBuiltinSelf = 24, kWakeupTask = 16, kPartialArguments = 24, kListItems = 24,
              kSentGenerator = 16;
constexpr std::size_t kFrameRead = 112;
constexpr int kMostCallbacks = 4;
constexpr int kMostTasks = 4;        // that wait for each other
constexpr int kMostCoroutines = 24;  // of a task
constexpr int kMostBases = 4;

const FutureShape* g_shape = nullptr;

enum class Awaitable : std::uint8_t { none, future, task };

// Found by name once, then known by address.
std::atomic<Address> g_wakeup_class{0};
std::atomic<Address> g_future_class{0};
std::atomic<Address> g_task_class{0};

// Classes met lately that are neither: only a guess at worth, memory is used again.
std::atomic<Address> g_others[16];

std::atomic<Address>& other_like(Address its_class) {
  return g_others[(its_class >> 4U ^ its_class >> 12U) % 16];
}

// The class, or one that it was made from.
Awaitable look_up(Address at) {
  for (int i = 0; i < kMostBases && at != 0; i++) {
    if (at == g_future_class.load(std::memory_order_relaxed)) return Awaitable::future;
    if (at == g_task_class.load(std::memory_order_relaxed)) return Awaitable::task;
    Class found;
    if (!read_class(at, found) || found.size < g_shape->future_size) break;
    if (found.size == g_shape->future_size && is_named(found, "_asyncio.Future")) {
      g_future_class.store(at, std::memory_order_relaxed);
      return Awaitable::future;
    }
    if (found.size == g_shape->task_size && is_named(found, "_asyncio.Task")) {
      g_task_class.store(at, std::memory_order_relaxed);
      return Awaitable::task;
    }
    at = found.base;
  }
  return Awaitable::none;
}

Awaitable awaitable_of_class(Address at) {
  if (at == g_future_class.load(std::memory_order_relaxed)) return Awaitable::future;
  if (at == g_task_class.load(std::memory_order_relaxed)) return Awaitable::task;
  std::atomic<Address>& other = other_like(at);
  if (other.load(std::memory_order_relaxed) == at) return Awaitable::none;
  const Awaitable found = look_up(at);
  if (found == Awaitable::none) other.store(at, std::memory_order_relaxed);
  return found;
}

Address first_item(Address tuple) {
  Head head;
  if (!head.read(tuple) || head.its_class() != known_classes.tuple) return 0;
  return field<std::int64_t>(head.bytes, kTupleSize) > 0 ? head.word(kTupleItems) : 0;
}

bool is_awaitable(Address object) {
  Head head;
  return head.read(object) && awaitable_of_class(head.its_class()) != Awaitable::none;
}

// The task that the callback wakes, or the future that it completes (wait_for, gather, shield). 0: neither.
Address waiting_behind(Address callback) {
  Head head;
  Address found = 0;
  Class its;
  if (!head.read(callback)) return 0;
  if (head.its_class() == known_classes.builtin) {
    return head.word(kBuiltinSelf);  // looked at next
  }
  if (head.its_class() == known_classes.function) {
    Address held[kMostHeld];
    const int count = held_by(head, held);
    Address* const end = held + count;
    Address* const first = std::find_if(held, end, is_awaitable);
    return first == end ? 0 : *first;
  }
  if (head.its_class() == g_wakeup_class.load(std::memory_order_relaxed)) return head.word(kWakeupTask);
  if (read_class(head.its_class(), its)) {
    if (is_named(its, "TaskWakeupMethWrapper")) {
      g_wakeup_class.store(its.at, std::memory_order_relaxed);
      return head.word(kWakeupTask);
    }
    if (is_named(its, "functools.partial")) found = first_item(head.word(kPartialArguments));
  }
  return is_awaitable(found) ? found : 0;
}

// A future or a task, so far as it is looked at.
struct Future {
  char bytes[192] = {};
  Awaitable kind = Awaitable::none;
  Address callback = 0;
  Address callbacks = 0;
  bool read(Address at) {
    if (at < 4096 || copy_some(at, bytes, sizeof bytes) < kFutureCallbacks + 8) return false;
    kind = awaitable_of_class(field<Address>(bytes, 8));
    callback = field<Address>(bytes, kFutureCallback);
    callbacks = field<Address>(bytes, kFutureCallbacks);
    return kind != Awaitable::none;
  }
  Address coroutine() const {
    return kind == Awaitable::task ? field<Address>(bytes, g_shape->task_coroutine) : 0;
  }
};

// Who waits for the future: one of those that are called when it is done. The first stands in the future
// itself, the others in a list.
Address waiting_for(const Future& future) {
  const Address first = waiting_behind(future.callback);
  Head list;
  if (first != 0 || !list.read(future.callbacks) || list.its_class() != known_classes.list) return first;
  const auto count = std::clamp<std::int64_t>(field<std::int64_t>(list.bytes, kTupleSize), 0, kMostCallbacks);
  for (Address i = 0; i < static_cast<Address>(count); i++) {
    const Address found = waiting_behind(first_item(word_at(list.word(kListItems) + 8 * i)));
    if (found != 0) return found;
  }
  return 0;
}

// One coroutine of a task: where it waits, and what for. False: it does not.
struct Suspended {
  Place place;
  Address awaits;
};

// A coroutine or the like, with the frame in it.
struct Generator {
  Address at = 0;
  std::size_t copied = 0;
  char bytes[512] = {};
  bool read(Address from) {
    at = from;
    copied = from < 4096 ? 0 : copy_some(from, bytes, sizeof bytes);
    return copied >= kHead;
  }
  Address its_class() const { return field<Address>(bytes, 8); }
  Address word(int offset) const { return field<Address>(bytes, offset); }
};

bool read_suspended_until_3_10(const Generator& generator, Suspended& found) {
  char frame[512];
  const Address at = generator.word(g_shape->generator_frame);
  const std::size_t copied = at < 4096 ? 0 : copy_some(at, frame, sizeof frame);
  if (copied < kFrameRead) return false;
  const auto bottom = field<Address>(frame, g_shape->frame_bottom);
  Address top = 0;
  if (g_shape->minor == 10) {
    if (field<signed char>(frame, g_shape->generator_state) != -1) return false;
    top = bottom + 8UL * static_cast<Address>(std::clamp(field<int>(frame, g_shape->frame_top), 0, 1 << 16));
  } else {
    top = field<Address>(frame, g_shape->frame_top);
  }
  const int instruction = field<int>(frame, g_shape->frame_instruction);
  if (top <= bottom || instruction < 0) return false;
  found.place = {field<Address>(frame, g_shape->frame_code), instruction * (g_shape->minor == 10 ? 2 : 1),
                 LineRole::awaiting};
  const Address place = top - 8 - at;  // mostly in the frame
  found.awaits = place + 8 <= copied ? field<Address>(frame, static_cast<int>(place)) : word_at(top - 8);
  return true;
}

bool read_suspended(const Generator& generator, Suspended& found) {
  if (g_shape->minor <= 10) return read_suspended_until_3_10(generator, found);
  const char* copy = generator.bytes;
  const std::size_t copied = generator.copied;
  const int frame = g_shape->generator_frame;
  if (copied < static_cast<std::size_t>(frame) + static_cast<std::size_t>(g_shape->frame_bottom))
    return false;
  const auto state = field<signed char>(copy, g_shape->generator_state);
  if (state >= 0 || state <= g_shape->created) return false;
  const auto code = field<Address>(copy, frame + g_shape->frame_code);
  const auto instruction = field<Address>(copy, frame + g_shape->frame_instruction);
  const Address first = code + static_cast<Address>(kCodeBytes[g_shape->minor - 11]);
  if (instruction < first || instruction - first > 1UL << 22U) return false;
  found.place = {code, static_cast<int>(instruction - first), LineRole::awaiting};
  const int depth = field<int>(copy, frame + g_shape->frame_top);
  if (depth < 1 || depth > 1 << 16) return false;
  const std::size_t top = static_cast<std::size_t>(frame) + static_cast<std::size_t>(g_shape->frame_bottom) +
                          8UL * (static_cast<std::size_t>(depth) - 1);
  found.awaits =
      top + 8 <= copied ? field<Address>(copy, static_cast<int>(top)) : word_at(generator.at + top);
  return true;
}

bool is_coroutine(Address its_class) {
  return its_class == known_classes.coroutine || its_class == known_classes.generator ||
         its_class == known_classes.async_generator;
}

// From what a task runs down to what waits; put in innermost first.
void add_coroutines(Address coroutine, Places& places) {
  Place chain[kMostCoroutines];
  int depth = 0;
  for (int i = 0; i < 2 * kMostCoroutines && depth < kMostCoroutines; i++) {
    Generator generator;
    if (!generator.read(coroutine)) break;
    const Address its_class = generator.its_class();
    if (its_class == known_classes.async_send || its_class == known_classes.async_throw) {
      coroutine = generator.word(kSentGenerator);
      continue;
    }
    Suspended found{};
    if (!is_coroutine(its_class) || !read_suspended(generator, found)) break;
    chain[depth++] = found.place;
    coroutine = found.awaits;
  }
  while (depth > 0 && places.count < kMostPlaces) places.at[places.count++] = chain[--depth];
}

}  // namespace

void add_waiting(Address awaited, Places& places, Address last) {
  for (int i = 0; i < 2 * kMostTasks && awaited != 0 && places.count < kMostPlaces; i++) {
    Future future;
    if (!future.read(awaited)) return;
    if (future.kind == Awaitable::task) add_coroutines(future.coroutine(), places);
    if (awaited == last) return;
    awaited = waiting_for(future);
  }
}

bool bind_futures(int minor) {
  for (const FutureShape& shape : kShapes) {
    if (shape.minor == minor) g_shape = &shape;
  }
  return g_shape != nullptr;
}

}  // namespace socktrack::python
