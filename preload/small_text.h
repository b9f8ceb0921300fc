// Text in a fixed buffer, cut when full, always NUL-terminated. For places where nothing may allocate.
#pragma once

#include <cstddef>
#include <cstdint>

namespace socktrack {

class SmallText {
 public:
  SmallText(char* buffer, std::size_t size) : buffer_(buffer), room_(size) { buffer_[0] = '\0'; }

  SmallText& add(char c) {
    if (used_ + 1 < room_) {
      buffer_[used_++] = c;
      buffer_[used_] = '\0';
    }
    return *this;
  }
  SmallText& add(const char* text) {
    while (text != nullptr && *text != '\0') add(*text++);
    return *this;
  }
  SmallText& add(std::uint64_t number) { return add_digits(number, 10); }
  SmallText& add_hex(std::uint64_t number) { return add_digits(number, 16); }

  const char* text() const { return buffer_; }
  std::size_t size() const { return used_; }

 private:
  SmallText& add_digits(std::uint64_t number, unsigned base) {
    char digits[20];
    std::size_t count = 0;
    do {
      digits[count++] = "0123456789abcdef"[number % base];
      number /= base;
    } while (number != 0);
    while (count > 0) add(digits[--count]);
    return *this;
  }

  char* buffer_;
  std::size_t room_;
  std::size_t used_ = 0;
};

}  // namespace socktrack
