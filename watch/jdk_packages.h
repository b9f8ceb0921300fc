// Classes that come with a JDK: the line to fix is further out.
#pragma once

#include <algorithm>
#include <iterator>
#include <string_view>

namespace socktrack {

// `name` is that of a class or of a method with its class: "java.net.Socket.connect".
inline bool is_of_jdk(std::string_view name) {
  constexpr std::string_view packages[] = {"java.", "javax.", "jdk.", "sun.", "com.sun."};
  return std::any_of(std::begin(packages), std::end(packages),
                     [&](std::string_view each) { return name.starts_with(each); });
}

}  // namespace socktrack
