#include "preload/python_objects.h"

#include <algorithm>

#include "preload/elf_symbols.h"
#include "preload/python_text.h"

namespace socktrack::python {

KnownClasses known_classes;

namespace {

// The same in 3.8 to 3.13: in a class, in a dict.
constexpr int kClassName = 24, kClassSize = 32, kClassFlags = 168, kClassBase = 256, kClassDict = 264,
              kClassDictOffset = 288;
constexpr int kDictKeys = 32, kDictValues = 40;
constexpr std::size_t kRead = 1024;  // of a table of keys, at once
constexpr std::size_t kValuesRead = 24;
constexpr std::uint32_t kMostKeys = 512;
constexpr std::size_t kMostNames = 4;
constexpr int kLongestHead = 72;       // of a text
constexpr std::size_t kNameRoom = 24;  // characters of a name that are compared

int g_minor = 0;
int g_shared_keys = 0;  // in a class

// Where the keys of a dict lie, and what stands beside them.
struct Keys {
  Address entries = 0;
  std::uint32_t count = 0;
  int stride = 24;
  int key = 8;
  int value = 16;
};

bool understand_keys_until_3_10(Address at, const char* head, Keys& keys) {
  const auto size = field<std::int64_t>(head, 8);
  if (size < 1 || size > (1L << 20U)) return false;
  const std::int64_t width = size <= 0xff ? 1 : size <= 0xffff ? 2 : 4;
  keys.count =
      static_cast<std::uint32_t>(std::clamp<std::int64_t>(field<std::int64_t>(head, 32), 0, kMostKeys));
  keys.entries = at + 40 + static_cast<Address>(size * width);
  return true;
}

bool understand_keys(Address at, const char* head, Keys& keys) {
  if (g_minor <= 10) return understand_keys_until_3_10(at, head, keys);
  const auto index_bits = field<unsigned char>(head, 9);
  const auto kind = field<unsigned char>(head, 10);
  if (index_bits > 22 || kind > 2) return false;
  if (kind != 0) keys = {0, 0, 16, 0, 8};  // all of them are texts, without a hash
  keys.count =
      static_cast<std::uint32_t>(std::clamp<std::int64_t>(field<std::int64_t>(head, 24), 0, kMostKeys));
  keys.entries = at + 32 + (Address{1} << index_bits);
  return true;
}

struct Search {
  Name* const* names;
  Address* values;
  std::size_t count;
  std::size_t found = 0;
  Address places[kMostNames] = {};  // where each value stands, 0 = not found
};

// A table of keys and, if they stand apart, the first of its values: mostly one call of the kernel for both.
struct Table {
  Address at = 0;
  Address apart = 0;
  Keys keys;
  std::size_t copied = 0;         // bytes of the table
  std::size_t values_copied = 0;  // how many
  char bytes[kRead];
  Address values[kValuesRead];

  Address place(std::uint32_t index) const {
    if (apart != 0) return apart + 8UL * index;
    return keys.entries + static_cast<Address>(keys.stride) * index + static_cast<Address>(keys.value);
  }
};

bool read_table(Address at, Address apart, Table& table) {
  const Piece pieces[] = {{at, table.bytes, kRead}, {apart, table.values, sizeof table.values}};
  const std::size_t copied = copy_memory(pieces, apart == 0 ? 1 : 2);
  table.at = at;
  table.apart = apart;
  table.copied = std::min(copied, kRead);
  table.values_copied = (copied - table.copied) / sizeof(Address);
  return table.copied >= 40 && understand_keys(at, table.bytes, table.keys);
}

bool text_equals(const char* copy, const char* wanted) {
  const TextHead head(copy);
  const std::size_t length = std::strlen(wanted);
  return field<Address>(copy, 8) == known_classes.text && head.sound && head.ascii && head.kind == 1 &&
         length <= kNameRoom && static_cast<std::size_t>(head.length) == length &&
         std::memcmp(copy + text_at(true), wanted, length) == 0;
}

void note(Search& search, std::size_t name, const Table& table, std::uint32_t index) {
  if (search.places[name] != 0) return;
  search.places[name] = table.place(index);
  search.found++;
  if (table.apart != 0 && index < table.values_copied) search.values[name] = table.values[index];
}

void compare_addresses(Search& search, Address key, const Table& table, std::uint32_t index) {
  for (std::size_t n = 0; n < search.count; n++) {
    if (search.names[n]->at.load(std::memory_order_relaxed) == key) note(search, n, table, index);
  }
}

// Keys are compared by text some at a time: each call of the kernel costs more than what it copies.
class TextComparison {
 public:
  explicit TextComparison(std::size_t first) : at_once_(first) {}
  void operator()(Search& search, Address key, const Table& table, std::uint32_t index) {
    pieces_[count_] = {key, texts_[count_], sizeof texts_[0]};
    index_[count_++] = index;
    if (count_ == at_once_) finish(search, table);
  }
  void finish(Search& search, const Table& table) {
    if (count_ == 0) return;
    const std::size_t copied = copy_memory(pieces_, count_) / sizeof texts_[0];
    for (std::size_t i = 0; i < count_; i++) {
      // What lies behind a short text may be no memory.
      const bool is_there =
          i < copied || copy_some(pieces_[i].from, texts_[i], sizeof texts_[i]) >= TextHead::kSize;
      if (is_there) compare(search, pieces_[i].from, texts_[i], table, index_[i]);
    }
    count_ = 0;
    at_once_ = kMostPieces;
  }

 private:
  static void compare(Search& search, Address key, const char* text, const Table& table,
                      std::uint32_t index) {
    for (std::size_t n = 0; n < search.count; n++) {
      if (search.places[n] != 0 || !text_equals(text, search.names[n]->text)) continue;
      search.names[n]->at.store(key, std::memory_order_relaxed);
      note(search, n, table, index);
      return;
    }
  }

  Piece pieces_[kMostPieces] = {};
  std::uint32_t index_[kMostPieces] = {};
  char texts_[kMostPieces][48 + kNameRoom] = {};
  std::size_t count_ = 0;
  std::size_t at_once_;
};

// From `first` on, then those before it.
template <typename Compare>
void visit_keys(const Table& table, Search& search, Compare&& compare, std::uint32_t first = 0) {
  const Keys& keys = table.keys;
  const auto stride = static_cast<std::size_t>(keys.stride);
  const std::size_t before = std::min<std::size_t>(keys.entries - table.at, table.copied);
  const std::size_t here = (table.copied - before) / stride;
  char part[kRead];
  const auto visit = [&](std::uint32_t from, std::uint32_t to) {
    for (std::uint32_t i = from; i < to && search.found < search.count; i++) {
      const char* entry = table.bytes + before + i * stride;
      if (i >= here) {
        const std::size_t at_once = kRead / stride;
        const std::size_t in_part = (i - here) % at_once;
        const std::size_t left = std::min<std::size_t>(at_once, keys.count - i);
        if (in_part == 0 && !copy_whole(keys.entries + stride * i, part, left * stride)) return;
        entry = part + in_part * stride;
      }
      const auto key = field<Address>(entry, keys.key);
      if (key != 0) compare(search, key, table, i);
    }
  };
  if (here < keys.count || first > keys.count) first = 0;  // parts are read from their beginning
  visit(first, keys.count);
  visit(0, first);
}

// Tables that were searched by text lately: the same again would find no more, and costs a call for each key.
std::atomic<Address> g_searched[16];

bool was_searched(const Table& table, const Search& search) {
  const Address mark =
      table.at ^ (Address{table.keys.count} << 48U) ^ reinterpret_cast<Address>(search.names[0]) << 20U;
  return g_searched[(mark >> 4U ^ mark >> 20U) % 16].exchange(mark, std::memory_order_relaxed) == mark;
}

bool all_known(const Search& search) {
  return std::all_of(search.names, search.names + search.count,
                     [](const Name* name) { return name->at.load(std::memory_order_relaxed) != 0; });
}

void find_keys(Address at, Address values_apart, Search& search) {
  Table table;
  if (at == 0 || !read_table(at, values_apart, table)) return;
  visit_keys(table, search, compare_addresses);
  // A name that was never met may be here; and another interpreter in this process has texts of its own.
  if (search.found == search.count || (search.found > 0 && all_known(search))) return;
  if (was_searched(table, search)) return;
  TextComparison comparison(search.count == 1 ? 1 : kMostPieces);
  visit_keys(table, search, comparison, search.names[0]->likely);
  comparison.finish(search, table);
}

void find_in_dict(Address dict, Search& search) {
  char copy[48];
  if (dict == 0 || !copy_whole(dict, copy, sizeof copy)) return;
  if (field<Address>(copy, 8) != known_classes.dict) return;
  Address apart = field<Address>(copy, kDictValues);
  if (apart != 0 && g_minor >= 13) apart += 8;  // after four bytes of counts
  find_keys(field<Address>(copy, kDictKeys), apart, search);
}

void find_in_instance(const Instance& of, Search& search) {
  const Class& its = of.its_class;
  if (g_minor <= 10 || !its.has_managed_dict()) {
    const bool known = of.dict != 0 || its.dict_offset <= 0;
    find_in_dict(known ? of.dict : word_at(of.at + static_cast<Address>(its.dict_offset)), search);
  } else if (g_minor == 11) {
    if (of.managed[0] != 0) {
      find_keys(its.shared_keys, of.managed[0], search);
    } else {
      find_in_dict(of.managed[1], search);
    }
  } else if (g_minor == 12) {
    if ((of.managed[1] & 1U) != 0) {
      find_keys(its.shared_keys, of.managed[1] + 1, search);
    } else {
      find_in_dict(of.managed[1], search);
    }
  } else {
    const Address inline_values = of.at + static_cast<Address>(its.size);
    const bool valid = its.has_inline_values() && (of.inline_head >> 24U & 0xffU) == 1;
    if (valid) {
      find_keys(its.shared_keys, inline_values + 8, search);
    } else {
      find_in_dict(of.managed[1], search);
    }
  }
}

void read_missing(Search& search) {
  Piece pieces[kMostNames];
  std::size_t wanted = 0;
  for (std::size_t i = 0; i < search.count; i++) {
    if (search.places[i] != 0 && search.values[i] == 0)
      pieces[wanted++] = {search.places[i], &search.values[i], sizeof search.values[i]};
  }
  if (wanted > 0) copy_memory(pieces, wanted);  // those that are not there stay 0
}

}  // namespace

int text_at(bool ascii) { return g_minor >= 12 ? (ascii ? 40 : 56) : (ascii ? 48 : 72); }

bool bind_objects(const dl_find_object& module, int minor) {
  constexpr int kSharedKeys[] = {872, 864, 872, 872, 880, 880};  // 3.8 to 3.13
  if (minor < 8 || minor > 13) return false;
  g_minor = minor;
  g_shared_keys = kSharedKeys[minor - 8];
  KnownClasses& known = known_classes;
  const struct {
    const char* name;
    Address* at;
    bool needed;
  } wanted[] = {
      {"PyUnicode_Type", &known.text, true},
      {"PyCode_Type", &known.code, true},
      {"PyDict_Type", &known.dict, true},
      {"PyTuple_Type", &known.tuple, true},
      {"PyList_Type", &known.list, true},
      {"PyType_Type", &known.type, true},
      {"PyFunction_Type", &known.function, true},
      {"PyMethod_Type", &known.method, true},
      {"PyCFunction_Type", &known.builtin, true},
      {"PyCell_Type", &known.cell, true},
      {"PyCoro_Type", &known.coroutine, true},
      {"PyGen_Type", &known.generator, true},
      {"PyAsyncGen_Type", &known.async_generator, false},
      {"_PyAsyncGenASend_Type", &known.async_send, false},
      {"_PyAsyncGenAThrow_Type", &known.async_throw, false},
  };
  for (const auto& each : wanted) {
    *each.at = exported_symbol(module, each.name).address;
    if (*each.at == 0 && each.needed) return false;
  }
  return true;
}

bool read_class(Address at, Class& found) {
  char copy[896];
  const auto size = static_cast<std::size_t>(g_shared_keys) + 8;
  const std::size_t copied = copy_some(at, copy, size);
  if (copied < kClassDictOffset + 8) return false;
  found.at = at;
  found.name = field<Address>(copy, kClassName);
  found.name_text[0] = '\0';
  found.size = field<std::int64_t>(copy, kClassSize);
  found.flags = field<std::uint64_t>(copy, kClassFlags);
  found.base = field<Address>(copy, kClassBase);
  found.dict = field<Address>(copy, kClassDict);
  found.dict_offset = field<std::int64_t>(copy, kClassDictOffset);
  const bool has_keys = copied == size && found.is_of_the_program();
  found.shared_keys = has_keys ? field<Address>(copy, g_shared_keys) : 0;
  return found.size >= 16 && found.size < 1L << 20U;
}

bool is_named(Class& which, const char* name) {
  if (which.name_text[0] == '\0') copy_some(which.name, which.name_text, sizeof which.name_text - 1);
  return std::strcmp(which.name_text, name) == 0;
}

bool read_class(Address at, Class& found, KnownClass* known) {
  if (known != nullptr && known->state.load(std::memory_order_acquire) == 2 && known->its.at == at) {
    found = known->its;
    return true;
  }
  if (!read_class(at, found)) return false;
  if (known == nullptr || known->met.exchange(at, std::memory_order_relaxed) != at) return true;
  int none = 0;
  if (is_named(found, known->name) &&
      known->state.compare_exchange_strong(none, 1, std::memory_order_relaxed)) {
    known->its = found;
    known->state.store(2, std::memory_order_release);
  }
  return true;
}

bool read_instance(Address at, Instance& found, KnownClass* known) {
  constexpr Address kBefore = 32;
  char copy[kBefore + 64] = {};
  const Address before = g_minor >= 11 ? kBefore : 0;
  if (at < 4096 || copy_some(at - before, copy + kBefore - before, before + 64) < before + 16) return false;
  found.at = at;
  found.managed[0] = field<Address>(copy, 0);
  found.managed[1] = field<Address>(copy, 8);
  if (!read_class(field<Address>(copy, kBefore + 8), found.its_class, known)) return false;
  const auto near_word = [&](std::int64_t offset) {
    return offset > 0 && offset <= 56
               ? field<Address>(copy, static_cast<int>(kBefore) + static_cast<int>(offset))
               : 0;
  };
  found.dict = near_word(found.its_class.dict_offset);
  found.inline_head = found.its_class.has_inline_values() ? near_word(found.its_class.size) : 0;
  if (found.its_class.has_inline_values() && found.its_class.size > 56)
    found.inline_head = word_at(at + static_cast<Address>(found.its_class.size));
  return true;
}

void find_attributes(const Instance& of, Name* const* names, Address* values, std::size_t count) {
  std::fill(values, values + count, 0);
  Search search{names, values, std::min(count, kMostNames)};
  find_in_instance(of, search);
  read_missing(search);
}

void find_in_class(const Class& which, Name* const* names, Address* values, std::size_t count) {
  std::fill(values, values + count, 0);
  Search search{names, values, std::min(count, kMostNames)};
  find_in_dict(which.dict, search);
  read_missing(search);
}

Address attribute(Address of, Name& name, KnownClass* known) {
  Instance instance;
  Name* const names[] = {&name};
  Address value = 0;
  if (read_instance(of, instance, known)) find_attributes(instance, names, &value, 1);
  return value;
}

namespace {

// False: more of it has to be read.
bool put_copied_text(const char* copy, std::size_t copied, char* to, std::size_t room) {
  if (copied < static_cast<std::size_t>(kLongestHead)) return false;
  if (field<Address>(copy, 8) != known_classes.text) return true;
  const TextHead head(copy);
  if (!head.sound) return true;
  const auto start = static_cast<std::size_t>(text_at(head.ascii));
  const auto there = static_cast<std::int64_t>((copied - start) / head.kind);
  put_text(copy + start, std::min(head.length, there), head.kind, to, room);
  return head.length <= there || static_cast<std::size_t>(there) + 5 >= room;
}

}  // namespace

void copy_text(Address text, const char* copy, std::size_t copied, char* to, std::size_t room) {
  char all[400 + kLongestHead] = {};
  to[0] = '\0';
  if (put_copied_text(copy, copied, to, room)) return;
  // A short text may be the last thing before no memory.
  const std::size_t there = copy_some(text, all, sizeof all);
  if (there >= TextHead::kSize) put_copied_text(all, std::max<std::size_t>(there, kLongestHead), to, room);
}

}  // namespace socktrack::python
