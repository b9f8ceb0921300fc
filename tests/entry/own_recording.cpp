#include "own_recording.h"

#include <dlfcn.h>

#include <fstream>
#include <stdexcept>

namespace entry {
namespace {

std::string find_in_maps(const std::string& part) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const std::size_t path = line.find('/');
    if (path != std::string::npos && line.find(part, path) != std::string::npos) return line.substr(path);
  }
  return "";
}

socktrack::RecordingView own() {
  const std::string path = recording_path();
  if (path.empty()) throw std::runtime_error("this process has no recording");
  return socktrack::RecordingView::of_file(path);
}

}  // namespace

bool library_is_loaded() { return !find_in_maps("libsocktrack.so").empty(); }

std::string recording_path() { return find_in_maps(socktrack::kRecordingSuffix); }

SlotView slot_of(int fd) {
  const auto recording = own();
  SlotView view;
  if (static_cast<std::size_t>(fd) >= recording.slots().size()) return view;
  const socktrack::Slot& slot = recording.slots()[static_cast<std::size_t>(fd)];
  const std::uint64_t word = slot.word.load();
  view.generation = socktrack::word_generation(word);
  view.flags = socktrack::word_flags(word);
  view.live = (view.flags & socktrack::slot_flag::live) != 0;
  view.open_site = slot.open_site.load();
  const socktrack::Sighting sighting = socktrack::unpack(slot.sighting.load());
  view.sighted = (view.flags & socktrack::slot_flag::sighted) != 0 &&
                 sighting.generation == static_cast<std::uint16_t>(view.generation);
  if (!view.sighted) return view;
  view.operation = sighting.operation;
  view.error = sighting.error;
  view.sighting_site = sighting.site;
  return view;
}

std::uint64_t opened() { return own().header().opened.load(); }
std::uint64_t closed() { return own().header().closed.load(); }
std::uint64_t sightings() { return own().header().sightings.load(); }
std::uint64_t counted(socktrack::BlindSpot spot) {
  return own().header().blind_spots[static_cast<std::size_t>(spot)].load();
}

bool site_contains(std::uint32_t index, const void* function, std::size_t size) {
  const auto recording = own();
  const socktrack::Site* site = recording.site(index);
  if (site == nullptr) return false;
  for (std::uint32_t i = 0; i < site->depth.load(); i++) {
    const socktrack::Module* module = recording.module(socktrack::frame_module(site->frames[i]));
    if (module == nullptr) continue;
    const std::uint64_t address = module->bias + socktrack::frame_offset(site->frames[i]);
    const auto start = reinterpret_cast<std::uint64_t>(function);
    if (address >= start && address < start + size) return true;
  }
  return false;
}

}  // namespace entry
