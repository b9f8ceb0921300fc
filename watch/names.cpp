#include "watch/names.h"

#include <algorithm>
#include <cstring>

namespace socktrack {

Frame bare_frame(const Module& module, std::uint64_t offset) {
  static constexpr char digits[] = "0123456789abcdef";
  Frame frame;
  frame.module.assign(module.path, ::strnlen(module.path, sizeof(module.path)));
  const std::size_t size = std::min<std::size_t>(module.build_id_size, sizeof(module.build_id));
  for (std::size_t i = 0; i < size; ++i) {
    frame.build_id += digits[module.build_id[i] >> 4U];
    frame.build_id += digits[module.build_id[i] & 0xfU];
  }
  frame.offset = offset;
  return frame;
}

std::vector<Frame> NoNames::frames_at(const Module& module, std::uint64_t offset) {
  return {bare_frame(module, offset)};
}

Frame Names::frame_without_module(const Header& header, std::uint64_t address) {
  auto [known, fresh] = maps_.try_emplace(header.created_realtime_ns ^ header.pid);
  if (fresh) known->second = PerfMap::of_process(header);
  Frame frame;
  frame.offset = address;
  take_name(frame, known->second.name_at(address));
  return frame;
}

}  // namespace socktrack
