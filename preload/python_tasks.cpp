#include "preload/python_tasks.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "preload/known_lines.h"
#include "preload/python_functions.h"

namespace socktrack::python {
namespace {

constexpr int kMethodFunction = 16, kPartialFunction = 16, kWeakReferent = 16;
constexpr int kMostBases = 8;
constexpr int kMostWrappers = 4;

bool g_bound = false;
bool g_keeps_tasks = false;  // a stream's protocol keeps the task of its handler, from 3.10

// In 3.8 to 3.13 alike.
Name g_protocol{"_protocol", 4}, g_connected{"_client_connected_cb", 4}, g_reader{"_stream_reader_wr", 4},
    g_task{"_task", 4}, g_waiter{"_waiter", 4};
Name g_app_protocol{"_app_protocol"}, g_call{"__call__"};
Name g_made{"connection_made"}, g_data{"data_received"}, g_eof{"eof_received"};

// Found by name once, then known by address.
std::atomic<Address> g_stream_class{0};
std::atomic<Address> g_own_code{0};  // of the function that asyncio makes around what start_server is given

KnownClass g_known_transport{"_SelectorSocketTransport"};
KnownClass g_known_stream{"StreamReaderProtocol"};
KnownClass g_known_reader{"StreamReader"};

bool is_of_asyncio(const Line& line, const char* file) {
  const std::string_view path(line.file);
  return path.ends_with(file) && path.substr(0, path.size() - std::strlen(file)).ends_with("/asyncio/");
}

// A function of asyncio itself says nothing: true if it was one of the program.
bool add_definition(const Head& function, Places& places) {
  const Place place{code_of(function), kDefinition, LineRole::callback};
  if (place.code == g_own_code.load(std::memory_order_relaxed)) return false;
  Code code;
  identify(&place, 1, &code);
  managed::KnownLine known{};
  if (code.identity == 0) return false;
  if (!managed::recall_line(code.identity, known)) {  // one that was shown is not asyncio's
    Line line;
    if (!read_place(place, code, line) || is_of_asyncio(line, "protocols.py")) return false;
    if (is_of_asyncio(line, "streams.py")) {
      g_own_code.store(place.code, std::memory_order_relaxed);
      return false;
    }
  }
  places.at[places.count++] = place;
  return true;
}

// The method that the program's class has for this, of those named the first.
template <std::size_t count>
void add_method(Class which, Name* const (&names)[count], Places& places) {
  Address methods[count] = {};
  for (int i = 0; i < kMostBases && which.is_of_the_program() && methods[0] == 0; i++) {
    Address found[count];
    find_in_class(which, names, found, count);
    for (std::size_t n = 0; n < count; n++) {
      if (methods[n] == 0) methods[n] = found[n];
    }
    if (!read_class(which.base, which)) break;
  }
  for (const Address method : methods) {
    Head head;
    if (head.read(method) && head.its_class() == known_classes.function && add_definition(head, places))
      return;
  }
}

// What is called for a connection. Around what start_server is given asyncio makes a function of its own.
void add_callable(Address callable, Places& places) {
  for (int i = 0; i < kMostWrappers; i++) {
    Head head;
    if (!head.read(callable)) return;
    const Address its_class = head.its_class();
    Class its;
    if (its_class == known_classes.function) {
      if (add_definition(head, places)) return;
      Address held[kMostHeld];
      if (held_by(head, held) == 0) return;
      callable = held[0];  // by name it is the first
    } else if (its_class == known_classes.method) {
      callable = head.word(kMethodFunction);
    } else if (!read_class(its_class, its)) {
      return;
    } else if (its.makes_classes()) {
      if (read_class(callable, its)) add_method(its, {&g_made, &g_data, &g_eof}, places);
      return;
    } else if (is_named(its, "functools.partial")) {
      callable = head.word(kPartialFunction);
    } else {
      return add_method(its, {&g_call}, places);
    }
  }
}

bool is_stream(Class which) {
  for (int i = 0; i < kMostWrappers && which.is_of_the_program(); i++) {
    if (which.at == g_stream_class.load(std::memory_order_relaxed)) return true;
    if (is_named(which, "StreamReaderProtocol")) {
      g_stream_class.store(which.at, std::memory_order_relaxed);
      return true;
    }
    if (!read_class(which.base, which)) break;
  }
  return false;
}

void add_stream(const Instance& protocol, Places& places) {
  Name* const names[] = {&g_connected, &g_reader, &g_task};
  const std::size_t count = g_keeps_tasks ? 3 : 2;
  Address values[3] = {};
  find_attributes(protocol, names, values, count);
  Head reference;
  if (values[1] != 0 && reference.read(values[1]))
    add_waiting(attribute(reference.word(kWeakReferent), g_waiter, &g_known_reader), places, values[2]);
  if (places.count == 0) add_waiting(values[2], places);
  if (places.count == 0 && values[0] != 0) add_callable(values[0], places);
}

void add_transport(Address transport, Places& places) {
  Instance protocol;
  if (!read_instance(attribute(transport, g_protocol, &g_known_transport), protocol, &g_known_stream)) return;
  const bool is_known = protocol.its_class.at == g_stream_class.load(std::memory_order_relaxed);
  if (!is_known && is_named(protocol.its_class, "SSLProtocol")) {
    Name* const names[] = {&g_app_protocol};
    Address behind = 0;
    find_attributes(protocol, names, &behind, 1);
    if (!read_instance(behind, protocol, &g_known_stream)) return;
  }
  if (is_stream(protocol.its_class)) add_stream(protocol, places);
  if (places.count == 0) add_method(protocol.its_class, {&g_eof, &g_data, &g_made}, places);
}

}  // namespace

bool bind_tasks(int minor) {
  g_keeps_tasks = minor >= 10;
  g_bound = bind_functions(minor) && bind_futures(minor);
  return g_bound;
}

Subject subject_of(const Line& line) {
  if (!g_bound || !is_of_asyncio(line, "selector_events.py")) return {};
  std::string_view function(line.function);
  function = function.substr(function.rfind('.') + 1);
  if (function == "_accept_connection") return {Subject::Kind::factory, 1};
  if (function.starts_with("_sock_")) return {Subject::Kind::future, 1};
  if (function.starts_with("_read_ready") || function == "_write_ready" ||
      function.starts_with("_write_send"))
    return {Subject::Kind::transport, 0};
  return {};
}

void find_places(Subject::Kind kind, Address object, Places& places) {
  switch (kind) {
    case Subject::Kind::transport:
      return add_transport(object, places);
    case Subject::Kind::future:
      return add_waiting(object, places);
    case Subject::Kind::factory:
      return add_callable(object, places);
    case Subject::Kind::none:
      return;
  }
}

}  // namespace socktrack::python
