// Functions of runtimes that mean something to us, by name.
#pragma once

#include <algorithm>
#include <iterator>
#include <string_view>

namespace socktrack {

// Classes that come with a JDK: the line to fix is further out. `name` is that of a class or of a method with
// its class: "java.net.Socket.connect".
inline bool is_of_jdk(std::string_view name) {
  constexpr std::string_view packages[] = {"java.", "javax.", "jdk.", "sun.", "com.sun."};
  return std::any_of(std::begin(packages), std::end(packages),
                     [&](std::string_view each) { return name.starts_with(each); });
}

// True for what stands in a stack if the runtime made the call, for an object nobody refers to: the threads
// of a JVM's cleaners and finalizers, CPython's finalization of what lost its last reference (its search for
// cycles has no exported name). A close() by a Java program runs through the same cleaner, but is not called
// from its thread.
inline bool is_of_collector(std::string_view function) {
  constexpr std::string_view starts[] = {"java.lang.ref.Finalizer", "jdk.internal.ref.CleanerImpl.run",
                                         "java.lang.ref.Reference$ReferenceHandler",
                                         "PyObject_CallFinalizer"};
  return std::any_of(std::begin(starts), std::end(starts),
                     [&](std::string_view each) { return function.starts_with(each); });
}

}  // namespace socktrack
