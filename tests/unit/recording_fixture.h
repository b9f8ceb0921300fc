// A recording built in memory, byte for byte what a recorder writes, for tests to read, damage and save.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <initializer_list>
#include <memory>
#include <new>
#include <string>

#include "socktrack/recording.h"

namespace socktrack::test {

class RecordingFixture {
 public:
  explicit RecordingFixture(std::uint32_t slot_count = 64)
      : layout_(layout_for(slot_count)), memory_(guarded_zeros(layout_.total), Unmap{layout_.total}) {
    describe(slot_count);
  }

  Header& header() { return *at<Header>(0, 0); }
  Slot& slot(std::uint32_t index) { return *at<Slot>(layout_.slots_at, index); }
  Site& site(std::uint32_t index) { return *at<Site>(layout_.sites_at, index); }
  Module& module(std::uint32_t index) { return *at<Module>(layout_.modules_at, index); }
  Group& group(std::uint32_t index) { return *at<Group>(layout_.groups_at, index); }
  Accusation& accusation(std::uint32_t index) { return *at<Accusation>(layout_.accusations_at, index); }

  ThreadName& thread(std::uint32_t tid) { return *at<ThreadName>(layout_.threads_at, tid % kMaxThreads); }
  ManagedFrame& managed(std::uint32_t index) { return *at<ManagedFrame>(layout_.managed_at, index); }
  PoolName& pool(std::uint32_t number) { return *at<PoolName>(layout_.pools_at, number - 1); }
  History& history() { return *at<History>(layout_.history_at, 0); }
  const Layout& layout() const { return layout_; }

  char* data() { return memory_.get(); }
  std::size_t size() const { return layout_.total; }

  std::uint32_t add_module(const std::string& path, std::initializer_list<std::uint8_t> build_id) {
    Module& added = module(modules_);
    added.base = 0x10000U * (modules_ + 1);
    std::copy(build_id.begin(), build_id.end(), added.build_id);
    added.build_id_size = static_cast<std::uint8_t>(build_id.size());
    path.copy(added.path, sizeof(added.path) - 1);
    added.ready = 1;
    return modules_++;
  }

  // A line of another language, as a frame of a stack.
  std::uint64_t add_line(Language language, const std::string& function, const std::string& file,
                         std::uint32_t line, LineRole role = LineRole::running) {
    const std::uint32_t index = ++lines_;
    ManagedFrame& added = *at<ManagedFrame>(layout_.managed_at, index);
    added.hash = index;
    added.language = language;
    added.role = role;
    added.line = line;
    added.function_at = add_text(function);
    added.function_size = static_cast<std::uint16_t>(function.size());
    added.file_at = add_text(file);
    added.file_size = static_cast<std::uint16_t>(file.size());
    added.ready = 1;
    return make_frame(kManagedModule, index);
  }

  std::uint32_t add_site(std::initializer_list<std::uint64_t> frames) {
    Site& added = site(sites_);
    added.hash = sites_;
    std::copy(frames.begin(), frames.end(), added.frames);
    added.depth = static_cast<std::uint32_t>(frames.size());
    header().sites_used = sites_ + 1;
    return sites_++;
  }

  // Returns the index; the caller changes what it cares about.
  std::uint32_t add_group(Verdict verdict, std::uint32_t open_site, std::uint32_t sighting_site,
                          std::uint32_t spoken) {
    const std::uint32_t index = header().groups_used++;
    Group& added = group(index);
    added.verdict = verdict;
    added.operation = sighting_site == 0 ? Operation::none : Operation::recv;
    added.open_site = open_site;
    added.sighting_site = sighting_site;
    added.spoken = spoken;
    added.first_ns = kNow - 60 * kSecond;
    added.latest_ns = kNow;
    added.ready = 1;
    return index;
  }

  std::uint32_t add_accusation(std::uint32_t group_index, std::uint32_t fd, std::uint64_t dead_since_ns) {
    const std::uint32_t index = header().accusations_used++;
    Accusation& added = accusation(index);
    added.group = group_index;
    added.fd = fd;
    added.cookie = 1000 + fd;
    added.opened_ns = dead_since_ns;
    added.dead_since_ns = dead_since_ns;
    added.state = 8;  // TCP_CLOSE_WAIT
    added.ready = 1;
    return index;
  }

  void save(const std::string& path) const { save(path, layout_.total); }
  void save(const std::string& path, std::size_t bytes) const {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file.write(memory_.get(), static_cast<std::streamsize>(bytes));
  }

  static constexpr std::uint64_t kSecond = 1'000'000'000;
  static constexpr std::uint64_t kNow = 1000 * kSecond;  // the last sweep, CLOCK_MONOTONIC

 private:
  struct Unmap {
    std::size_t size = 0;
    void operator()(char* memory) const { munmap(memory - kPage, size + 2 * kPage); }
  };

  // Between two pages that nobody may touch: a step outside ends the test, with or without sanitizers.
  static char* guarded_zeros(std::size_t size) {
    void* start = mmap(nullptr, size + 2 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) throw std::bad_alloc();
    char* memory = static_cast<char*>(start) + kPage;
    if (mprotect(memory, size, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
    return memory;
  }

  template <typename T>
  T* at(std::uint64_t area, std::uint32_t index) {
    return reinterpret_cast<T*>(memory_.get() + area) + index;
  }

  void describe(std::uint32_t slot_count) {
    Header& h = header();
    std::memcpy(h.magic, kMagic, sizeof(kMagic));
    h.layout_version = kLayoutVersion;
    h.header_size = sizeof(Header);
    h.total_size = layout_.total;
    h.slots_at = layout_.slots_at;
    h.sites_at = layout_.sites_at;
    h.modules_at = layout_.modules_at;
    h.groups_at = layout_.groups_at;
    h.accusations_at = layout_.accusations_at;
    h.threads_at = layout_.threads_at;
    h.managed_at = layout_.managed_at;
    h.text_at = layout_.text_at;
    h.pools_at = layout_.pools_at;
    h.control_at = layout_.control_at;
    h.ladder_at = layout_.ladder_at;
    h.history_at = layout_.history_at;
    h.slot_count = slot_count;
    h.site_count = kMaxSites;
    h.module_count = kMaxModules;
    h.group_count = kMaxGroups;
    h.accusation_count = kMaxAccusations;
    h.pid = 4711;
    h.created_realtime_ns = 1'700'000'000'123'000'000;
    std::strcpy(h.program, "/usr/bin/server");
    h.swept_monotonic_ns = kNow;
    h.ready = 1;
  }

  std::uint32_t add_text(const std::string& text) {
    const std::uint32_t start = header().text_used;
    text.copy(memory_.get() + layout_.text_at + start, text.size());
    header().text_used += static_cast<std::uint32_t>(text.size());
    return start;
  }

  Layout layout_;
  std::unique_ptr<char, Unmap> memory_;
  std::uint32_t modules_ = 0;
  std::uint32_t sites_ = 1;
  std::uint32_t lines_ = 0;
};

// A directory that is gone with its files at the end of the test.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace socktrack::test
