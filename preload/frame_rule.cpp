#include "preload/frame_rule.h"

#include <cstddef>
#include <cstring>

#include "preload/find_fde.h"

namespace socktrack {
namespace {

#if defined(__x86_64__)
constexpr std::uint64_t kFramePointer = 6;
constexpr std::uint64_t kStackPointer = 7;
#elif defined(__aarch64__)
constexpr std::uint64_t kFramePointer = 29;
constexpr std::uint64_t kStackPointer = 31;
#else
#error "which registers hold the frame and the stack pointer here?"
#endif

class Bytes {
 public:
  Bytes(const std::uint8_t* at, const std::uint8_t* end) : at_(at), end_(end) {}

  bool more() const { return at_ < end_; }
  bool sound() const { return sound_; }
  const std::uint8_t* at() const { return at_; }

  template <typename T>
  T take() {
    T value{};
    if (static_cast<std::size_t>(end_ - at_) < sizeof value) return fail<T>();
    std::memcpy(&value, at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  void skip(std::uint64_t count) {
    if (count > static_cast<std::uint64_t>(end_ - at_)) {
      fail<int>();
    } else {
      at_ += count;
    }
  }
  std::uint64_t unsigned_leb() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = take<std::uint8_t>();
      value |= std::uint64_t{byte & 0x7fU} << shift;
      if ((byte & 0x80U) == 0) return value;
    }
    return fail<std::uint64_t>();
  }
  std::int64_t signed_leb() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = take<std::uint8_t>();
      value |= std::uint64_t{byte & 0x7fU} << shift;
      if ((byte & 0x80U) != 0) continue;
      const bool negative = (byte & 0x40U) != 0 && shift + 7 < 64;
      return static_cast<std::int64_t>(negative ? value | (~std::uint64_t{0} << (shift + 7)) : value);
    }
    return fail<std::int64_t>();
  }

 private:
  template <typename T>
  T fail() {
    sound_ = false;
    at_ = end_;
    return T{};
  }
  const std::uint8_t* at_;
  const std::uint8_t* end_;
  bool sound_ = true;
};

enum class Place : std::uint8_t { unchanged, below_cfa, undefined, elsewhere };

struct Register {
  Place place = Place::unchanged;
  std::int64_t offset = 0;
};

// The row of the table that DWARF describes: where the CFA and the two registers of interest are.
struct Row {
  bool cfa_known = false;
  std::uint64_t cfa_register = 0;
  std::int64_t cfa_offset = 0;
  Register frame_pointer;
  Register return_address;
};

struct Common {  // a CIE
  std::uint64_t code_unit = 1;
  std::int64_t data_unit = 1;
  std::uint64_t return_register = 0;
  std::uint8_t pointer_encoding = 0;
  bool has_lengths = false;
  Row initial;
};

// Executes call frame instructions until the row for `address` is reached.
class Machine {
 public:
  Machine(const Common& common, const Row& row, std::uintptr_t start, std::uintptr_t address)
      : common_(common), row_(row), location_(start), address_(address) {}

  bool run(Bytes instructions);  // false: something special
  const Row& row() const { return row_; }

 private:
  bool step(Bytes& in);
  bool extended(std::uint8_t code, Bytes& in);
  void advance(std::uint64_t units) { location_ += units * common_.code_unit; }
  void set(std::uint64_t number, Register to) {
    if (number == kFramePointer) row_.frame_pointer = to;
    if (number == common_.return_register) row_.return_address = to;
  }
  void restore(std::uint64_t number) {
    if (number == kFramePointer) row_.frame_pointer = common_.initial.frame_pointer;
    if (number == common_.return_register) row_.return_address = common_.initial.return_address;
  }
  std::int64_t scaled(std::uint64_t factor) const {
    return static_cast<std::int64_t>(factor) * common_.data_unit;
  }

  static constexpr int kRemembered = 8;
  const Common& common_;
  Row row_;
  Row remembered_[kRemembered];
  int depth_ = 0;
  std::uintptr_t location_;
  std::uintptr_t address_;
};

bool Machine::run(Bytes instructions) {
  while (instructions.more() && location_ <= address_) {
    if (!step(instructions)) return false;
  }
  return instructions.sound();
}

bool Machine::step(Bytes& in) {
  const auto code = in.take<std::uint8_t>();
  const std::uint8_t low = code & 0x3fU;
  switch (code & 0xc0U) {
    case 0x40:  // DW_CFA_advance_loc
      advance(low);
      return true;
    case 0x80:  // DW_CFA_offset
      set(low, {Place::below_cfa, scaled(in.unsigned_leb())});
      return true;
    case 0xc0:  // DW_CFA_restore
      restore(low);
      return true;
    default:
      return extended(code, in);
  }
}

bool Machine::extended(std::uint8_t code, Bytes& in) {
  std::uint64_t number = 0;
  switch (code) {
    case 0x00:  // nop
      return true;
    case 0x02:  // advance_loc1
      advance(in.take<std::uint8_t>());
      return true;
    case 0x03:  // advance_loc2
      advance(in.take<std::uint16_t>());
      return true;
    case 0x04:  // advance_loc4
      advance(in.take<std::uint32_t>());
      return true;
    case 0x05:  // offset_extended
      number = in.unsigned_leb();
      set(number, {Place::below_cfa, scaled(in.unsigned_leb())});
      return true;
    case 0x06:  // restore_extended
      restore(in.unsigned_leb());
      return true;
    case 0x07:  // undefined
      set(in.unsigned_leb(), {Place::undefined, 0});
      return true;
    case 0x08:  // same_value
      set(in.unsigned_leb(), {Place::unchanged, 0});
      return true;
    case 0x09:  // register
      set(in.unsigned_leb(), {Place::elsewhere, 0});
      in.unsigned_leb();
      return true;
    case 0x0a:  // remember_state
      if (depth_ == kRemembered) return false;
      remembered_[depth_++] = row_;
      return true;
    case 0x0b:  // restore_state
      if (depth_ == 0) return false;
      row_ = remembered_[--depth_];
      return true;
    case 0x0c:  // def_cfa
      row_.cfa_known = true;
      row_.cfa_register = in.unsigned_leb();
      row_.cfa_offset = static_cast<std::int64_t>(in.unsigned_leb());
      return true;
    case 0x0d:  // def_cfa_register
      row_.cfa_register = in.unsigned_leb();
      return true;
    case 0x0e:  // def_cfa_offset
      row_.cfa_offset = static_cast<std::int64_t>(in.unsigned_leb());
      return true;
    case 0x0f:  // def_cfa_expression
      row_.cfa_known = false;
      in.skip(in.unsigned_leb());
      return true;
    case 0x10:  // expression
    case 0x16:  // val_expression
      set(in.unsigned_leb(), {Place::elsewhere, 0});
      in.skip(in.unsigned_leb());
      return true;
    case 0x11:  // offset_extended_sf
      number = in.unsigned_leb();
      set(number, {Place::below_cfa, in.signed_leb() * common_.data_unit});
      return true;
    case 0x12:  // def_cfa_sf
      row_.cfa_known = true;
      row_.cfa_register = in.unsigned_leb();
      row_.cfa_offset = in.signed_leb() * common_.data_unit;
      return true;
    case 0x13:  // def_cfa_offset_sf
      row_.cfa_offset = in.signed_leb() * common_.data_unit;
      return true;
    case 0x2e:  // GNU_args_size: bytes pushed for a call; the CFA takes them into account by itself
      in.unsigned_leb();
      return true;
    default:  // among them 0x2d, the signed return addresses of aarch64
      return false;
  }
}

// Bytes of an encoded pointer (DW_EH_PE_*); 0 = not of fixed size.
std::uint32_t encoded_size(std::uint8_t encoding) {
  switch (encoding & 0x0fU) {
    case 0x00:
    case 0x04:
    case 0x0c:
      return 8;
    case 0x02:
    case 0x0a:
      return 2;
    case 0x03:
    case 0x0b:
      return 4;
    default:
      return 0;
  }
}

// An entry of .eh_frame without its length word; `ok` false for the 64-bit form.
Bytes entry_at(const std::uint8_t* at, bool& ok) {
  std::uint32_t length = 0;
  std::memcpy(&length, at, sizeof length);
  ok = length != 0 && length < 0xfffffff0U;
  return {at + sizeof length, at + sizeof length + (ok ? length : 0)};
}

bool read_augmentation(const char* augmentation, Bytes& in, Common& common) {
  if (*augmentation == '\0') return true;
  if (*augmentation++ != 'z') return false;
  common.has_lengths = true;
  const std::uint64_t length = in.unsigned_leb();
  Bytes data(in.at(), in.at() + length);
  in.skip(length);
  for (; *augmentation != '\0'; augmentation++) {
    switch (*augmentation) {
      case 'R':
        common.pointer_encoding = data.take<std::uint8_t>();
        break;
      case 'L':
        data.take<std::uint8_t>();
        break;
      case 'P': {
        const auto encoding = data.take<std::uint8_t>();
        if (encoded_size(encoding) == 0 || (encoding & 0x70U) == 0x50U) return false;  // aligned
        data.skip(encoded_size(encoding));
        break;
      }
      default:  // 'S' is a signal frame, 'B' a key for signed return addresses
        return false;
    }
  }
  return data.sound();
}

bool read_common(const std::uint8_t* at, std::uintptr_t start, std::uintptr_t address, Common& common) {
  bool ok = false;
  Bytes in = entry_at(at, ok);
  if (!ok || in.take<std::uint32_t>() != 0) return false;
  const auto version = in.take<std::uint8_t>();
  const char* augmentation = reinterpret_cast<const char*>(in.at());
  while (in.take<std::uint8_t>() != 0) {
  }
  common.code_unit = in.unsigned_leb();
  common.data_unit = in.signed_leb();
  common.return_register = version == 1 ? in.take<std::uint8_t>() : in.unsigned_leb();
  if (!read_augmentation(augmentation, in, common) || !in.sound()) return false;
  Machine machine(common, {}, start, address);
  if (!machine.run(in)) return false;
  common.initial = machine.row();
  return true;
}

bool read_row(const std::uint8_t* fde, std::uintptr_t start, std::uintptr_t address, Row& row) {
  bool ok = false;
  Bytes in = entry_at(fde, ok);
  if (!ok) return false;
  const std::uint8_t* const link = in.at();
  Common common;
  if (!read_common(link - in.take<std::uint32_t>(), start, address, common)) return false;
  const std::uint32_t pointer = encoded_size(common.pointer_encoding);
  if (pointer == 0) return false;
  in.skip(2 * std::uint64_t{pointer});
  if (common.has_lengths) in.skip(in.unsigned_leb());
  Machine machine(common, common.initial, start, address);
  if (!machine.run(in)) return false;
  row = machine.row();
  return true;
}

bool return_address_is_where_it_should_be(const Row& row) {
#if defined(__x86_64__)
  return row.return_address.place == Place::below_cfa &&
         row.return_address.offset == -static_cast<std::int64_t>(return_address_below_cfa(0));
#else
  // Only frames with the pair of the psABI: frame pointer, then link register.
  return row.return_address.place == Place::below_cfa && row.frame_pointer.place == Place::below_cfa &&
         row.return_address.offset == row.frame_pointer.offset + 8;
#endif
}

FrameRule plain_rule(const Row& row) {
  FrameRule rule;
  const bool by_frame_pointer = row.cfa_register == kFramePointer;
  if (!row.cfa_known || !(by_frame_pointer || row.cfa_register == kStackPointer)) return rule;
  if (row.cfa_offset < 0 || row.cfa_offset % 8 != 0 || row.cfa_offset > INT32_MAX) return rule;
  const Register& fp = row.frame_pointer;
  if (fp.place != Place::unchanged && fp.place != Place::below_cfa) return rule;
  if (fp.place == Place::below_cfa && (fp.offset >= 0 || fp.offset % 8 != 0 || fp.offset < INT32_MIN))
    return rule;
  rule.kind = FrameRule::Kind::plain;
  rule.from_frame_pointer = by_frame_pointer;
  rule.cfa_offset = static_cast<std::uint32_t>(row.cfa_offset);
  rule.saved_fp = fp.place == Place::below_cfa ? static_cast<std::uint32_t>(-fp.offset) : 0;
  return rule;
}

// Code without call frame information where a signal handler returns to: libgcc knows it by its bytes.
// Something can be read there: see gone_code.cpp.
bool is_signal_return([[maybe_unused]] std::uintptr_t address) {
#if defined(__x86_64__)
  // After the call comes `mov $15, %rax; syscall`; `address` is one before it.
  static constexpr std::uint8_t kCode[] = {0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05};
  return std::memcmp(reinterpret_cast<const void*>(address + 1), kCode, sizeof kCode) == 0;
#else
  return true;  // let the full unwinder look
#endif
}

}  // namespace

FrameRule frame_rule_at(std::uintptr_t address) {
  FrameRule rule;
  dwarf_eh_bases bases{};
  const void* fde = _Unwind_Find_FDE(reinterpret_cast<void*>(address), &bases);
  if (fde == nullptr) {
    if (!is_signal_return(address)) rule.kind = FrameRule::Kind::no_code;
    return rule;
  }
  Row row;
  if (!read_row(static_cast<const std::uint8_t*>(fde), reinterpret_cast<std::uintptr_t>(bases.function),
                address, row))
    return rule;
  if (row.return_address.place == Place::undefined) {
    rule.kind = FrameRule::Kind::last;
    return rule;
  }
  return return_address_is_where_it_should_be(row) ? plain_rule(row) : rule;
}

std::uintptr_t function_at(std::uintptr_t address) {
  dwarf_eh_bases bases{};
  if (_Unwind_Find_FDE(reinterpret_cast<void*>(address), &bases) == nullptr) return 0;
  return reinterpret_cast<std::uintptr_t>(bases.function);
}

}  // namespace socktrack
