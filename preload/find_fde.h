// libgcc's search for the description of a function, by _dl_find_object: no lock. Not in a header of gcc.
#pragma once

extern "C" {
struct dwarf_eh_bases {
  void* text;
  void* data;
  void* function;
};
const void* _Unwind_Find_FDE(void* address, dwarf_eh_bases* bases);
}
