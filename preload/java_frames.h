// The Java methods that the calling thread is in, as the VM tells them (java_vm.h: when it may be asked).
#pragma once

#include <cstdint>

#include "preload/java_vm.h"
#include "preload/jvm_interface.h"

namespace socktrack::java {

inline constexpr int kMostFrames = 64;

// Innermost first. Returns how many. On a virtual thread that is mounted here: those of the virtual thread.
std::uint32_t take_frames(const Access& access, jvm::StackFrame (&frames)[kMostFrames]);

// What a Java developer reads of a frame in a stack trace.
struct Line {
  char function[400];  // "com.shop.Server.handle", "loader//com.shop.Server.handle" of a named class loader
  char file[200];      // "Server.java"; "" = unknown
  std::uint32_t line;  // 0 = unknown, or a native method
  bool hidden;         // how a lambda or a reflective call is made: not for people
  bool collects;       // the collector's doing: a cleaner or a finalizer
};

// Frees all that it makes the VM allocate. False: the VM does not tell.
bool read_line(const Access& access, const jvm::StackFrame& frame, Line& line);

}  // namespace socktrack::java
