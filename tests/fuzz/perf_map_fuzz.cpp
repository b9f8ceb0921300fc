// Any text as a map of code: what is found at an address covers it, and any name makes a frame.
#include "watch/perf_map.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace socktrack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // The first byte chooses a beginning, so that random bytes come to be lines and names at all.
  constexpr std::string_view starts[] = {
      "", "0 ffff ", "10 20 JS:", "0x8 9 py::", "f f LazyCompile:*f /a.js:1:", "\n1 "};
  std::string text(starts[size == 0 ? 0 : data[0] % std::size(starts)]);
  if (size > 0) text.append(reinterpret_cast<const char*>(data) + 1, size - 1);
  const PerfMap map(text);
  if (map.size() > text.size()) std::abort();
  for (const std::uint64_t address : {std::uint64_t{0}, std::uint64_t{15}, ~std::uint64_t{0}}) {
    const std::string_view name = map.name_at(address);
    if (!name.empty() && text.find(name) == std::string::npos) std::abort();
    Frame frame;
    take_name(frame, name);
    take_name(frame, text);
    if (frame.line < 0 || frame.function.size() > text.size() + 20) std::abort();
  }
  return 0;
}
