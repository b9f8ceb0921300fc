// Objects of the Python heap that are not ours to hold: their class, their attributes, their text.
//
//   Hazard: the global lock is not held. Another thread may change, free or reuse any of them while we look,
//   and give their memory back. Rule: nothing here is dereferenced, every word is copied by the kernel; an
//   object is what its class says; every length and loop is bounded. What is read may be stale, never a
//   crash.
#pragma once

#include <dlfcn.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "preload/memory_copy.h"

namespace socktrack::python {

using Address = std::uintptr_t;

template <typename T>
T field(const void* bytes, int offset) {
  T value;
  std::memcpy(&value, static_cast<const char*>(bytes) + offset, sizeof value);
  return value;
}

// 0 if there is no such memory.
inline Address word_at(Address from) {
  Address word = 0;
  return copy_whole(from, &word, sizeof word) ? word : 0;
}

inline constexpr int kHead = 32;  // of an object: count, class, and two words of its own

// The beginning of an object; what lies behind a smaller one means nothing.
struct Head {
  char bytes[80] = {};
  bool read(Address at) { return at >= 4096 && copy_some(at, bytes, sizeof bytes) >= kHead; }
  Address its_class() const { return field<Address>(bytes, 8); }
  Address word(int offset) const { return field<Address>(bytes, offset); }
};

// False: the interpreter's module does not export what is needed, or this version is not known.
bool bind_objects(const dl_find_object& module, int minor);

// Where the characters begin in a str.
int text_at(bool ascii);

// Classes of the interpreter that are told by their address.
struct KnownClasses {
  Address text, code, dict, tuple, list, type, function, method, builtin, cell, coroutine, generator,
      async_generator, async_send, async_throw;
};
extern KnownClasses known_classes;

struct Class {
  Address at = 0;
  Address name = 0;
  std::int64_t size = 0;  // of its objects, bytes
  std::uint64_t flags = 0;
  Address base = 0;
  Address dict = 0;
  std::int64_t dict_offset = 0;
  Address shared_keys = 0;
  char name_text[32] = {};  // its beginning, ends with NUL; empty: not read yet

  bool is_of_the_program() const { return (flags & (1UL << 9U)) != 0; }  // made by a class statement
  bool makes_classes() const { return (flags & (1UL << 31U)) != 0; }
  bool has_managed_dict() const { return (flags & (1UL << 4U)) != 0; }   // from 3.11
  bool has_inline_values() const { return (flags & (1UL << 2U)) != 0; }  // from 3.13
};
bool read_class(Address at, Class& found);
bool is_named(Class& which, const char* name);

// An object that has attributes.
struct Instance {
  Address at = 0;
  Class its_class;
  Address dict = 0;         // up to 3.10, where it stands near enough to its beginning
  Address managed[2] = {};  // the words before it that lead to its attributes, from 3.11
  Address inline_head = 0;  // of the values in it, from 3.13
};

// A class that is there for as long as the process lives, by its name: not read again after the second time.
// The first time in a process is dear enough without the name.
struct KnownClass {
  const char* name;
  std::atomic<Address> met{0};
  std::atomic<int> state{0};  // 0 free, 1 being written, 2 ready
  Class its{};
};
bool read_instance(Address at, Instance& found, KnownClass* known = nullptr);

// The name of an attribute. Such texts are one object in the whole interpreter: found once, they are compared
// by address.
struct Name {
  const char* text;
  std::uint32_t likely = 0;  // which of the keys it is, or not far before it: looked at first
  std::atomic<Address> at{0};
};
// Leaves 0 where there is no such attribute. Own attributes only, not those of the class.
void find_attributes(const Instance& of, Name* const* names, Address* values, std::size_t count);
void find_in_class(const Class& which, Name* const* names, Address* values, std::size_t count);
Address attribute(Address of, Name& name, KnownClass* known);

// UTF-8, cut to fit; "" if there is no such text. Of the object so many bytes were copied before; the rest is
// read where they are not enough.
void copy_text(Address text, const char* copy, std::size_t copied, char* to, std::size_t room);

}  // namespace socktrack::python
