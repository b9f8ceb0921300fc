// The recording of the running test itself, as any reader sees it.
#pragma once

#include <optional>
#include <string>

#include "watch/recording_reader.h"

namespace entry {

// True when the library is loaded in front of libc. Tests that find it absent must fail, not pass quietly.
bool library_is_loaded();

struct SlotView {
  bool live = false;
  std::uint32_t generation = 0;
  std::uint32_t flags = 0;
  bool sighted = false;
  socktrack::Operation operation = socktrack::Operation::none;
  int error = 0;
  std::uint32_t sighting_site = 0;
  std::uint32_t open_site = 0;
};

// What the recording says of a descriptor now. Throws if there is no recording.
SlotView slot_of(int fd);
std::uint64_t opened();
std::uint64_t closed();
std::uint64_t sightings();
std::uint64_t counted(socktrack::BlindSpot spot);

// Functions of this program (by address) that lie on a recorded stack.
bool site_contains(std::uint32_t site, const void* function, std::size_t size = 512);

std::string recording_path();  // "" if there is none

}  // namespace entry
