#include "preload/jit_frames.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "preload/readable.h"
#include "preload/small_text.h"
#include "watch/raw_syscall.h"

namespace socktrack::jit_frames {
namespace {

bool is_there(std::uintptr_t at, std::size_t size) {
  return is_readable(reinterpret_cast<const void*>(at), size);
}

#if defined(__x86_64__)
// How long "FF /2" (call by register or memory) is with this ModRM byte, without prefix.
std::uintptr_t length_of_call(unsigned char modrm) {
  const unsigned mode = modrm >> 6U;
  const unsigned base = modrm & 7U;
  const bool has_sib = mode != 3 && base == 4;
  if (mode == 0 && base == 5) return 6;
  const std::uintptr_t displacement = mode == 1 ? 1 : mode == 2 ? 4 : 0;
  return 2 + displacement + (has_sib ? 1 : 0);
}

bool follows_a_call(std::uintptr_t address) {
  if (address < 4096 || !is_there(address - 8, 8)) return false;
  const auto* code = reinterpret_cast<const unsigned char*>(address);
  if (code[-5] == 0xe8) return true;
  for (int length = 2; length <= 7; length++) {
    const unsigned char modrm = code[1 - length];
    if (code[-length] == 0xff && ((modrm >> 3U) & 7U) == 2 &&
        length_of_call(modrm) == static_cast<std::uintptr_t>(length))
      return true;
  }
  return false;
}
#else
bool follows_a_call(std::uintptr_t) { return false; }
#endif

constexpr std::uintptr_t kLargestFrame = std::uintptr_t{1} << 20U;

bool arrive(Cursor& at, std::uintptr_t cfa, std::uintptr_t frame_pointer, std::uintptr_t return_address) {
  if (return_address != 0 && !follows_a_call(return_address)) return false;
  at = {cfa, frame_pointer, return_address - 1};
  return true;
}

}  // namespace

void look_for_map(std::uint32_t pid) {
  char path[40];
  SmallText text{path, sizeof path};
  text.add("/tmp/perf-").add(std::uint64_t{pid}).add(".map");
  struct stat facts {};
  const bool written = !raw_failed(raw_syscall(SYS_newfstatat, AT_FDCWD, reg(text.text()), reg(&facts),
                                               AT_SYMLINK_NOFOLLOW)) &&
                       S_ISREG(facts.st_mode) && facts.st_uid == static_cast<uid_t>(raw_syscall(SYS_geteuid));
  are_named.store(written, std::memory_order_relaxed);
}

bool step_over(Cursor& at) {
  const std::uintptr_t frame = at.frame_pointer;
  if (frame % 8 != 0 || frame < at.cfa || frame - at.cfa > kLargestFrame || !is_there(frame, 16))
    return false;
  return arrive(at, frame + 16, word_at(frame), word_at(frame + 8));
}

bool step_carefully(Cursor& at, const rule_table::PackedRule& rule) {
  const std::uintptr_t cfa = (rule.from_frame_pointer() ? at.frame_pointer : at.cfa) + rule.cfa_offset();
  const std::uintptr_t saved_fp = rule.saved_fp();
  if (cfa % 8 != 0 || cfa <= at.cfa || cfa - at.cfa > kLargestFrame) return false;
  const std::uintptr_t return_at = cfa - return_address_below_cfa(saved_fp);
  if (!is_there(return_at, 8) || (saved_fp != 0 && !is_there(cfa - saved_fp, 8))) return false;
  return arrive(at, cfa, saved_fp == 0 ? at.frame_pointer : word_at(cfa - saved_fp), word_at(return_at));
}

}  // namespace socktrack::jit_frames
