#include "watch/recording_reader.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "watch/vocabulary.h"

namespace socktrack {
namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& what) {
  throw RecordingError((path.empty() ? "the recording in memory" : "'" + path + "'") + " " + what);
}

[[noreturn]] void refuse_errno(const std::string& path, const char* doing, int error) {
  refuse(path, std::string(doing) + ": " + std::strerror(error));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

// O_NONBLOCK: opening a FIFO must not wait for a writer. O_NOFOLLOW: the directory may be shared.
int open_for_reading(const std::string& path) {
  return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

// Reads until `size` bytes, the end of the file or an error; the rest of `to` is left as it was.
bool read_at(int fd, void* to, std::size_t size, std::uint64_t from) {
  auto* at = static_cast<char*>(to);
  while (size > 0) {
    const ssize_t got = ::pread(fd, at, size, static_cast<off_t>(from));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0;
    at += got;
    from += static_cast<std::uint64_t>(got);
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

bool is_blank(const Header& header) {
  // Up to the living part: that one changes while it is compared.
  static const Header blank{};
  return std::memcmp(&header, &blank, offsetof(Header, ready)) == 0;
}

constexpr const char* kNotBegun = "it is being created, or its program never came to use it";

// Identity first, then geometry: a foreign file must not be called a damaged recording.
void check_identity(const Header& header, const std::string& path) {
  if (is_blank(header)) throw RecordingNotBegun("'" + path + "' is empty: " + kNotBegun);
  if (std::memcmp(header.magic, kMagic, sizeof(kMagic)) != 0) refuse(path, "is not a socktrack recording");
  if (header.layout_version != kLayoutVersion) {
    refuse(path, "was written by another version of socktrack (layout " +
                     std::to_string(header.layout_version) + ", this one reads " +
                     std::to_string(kLayoutVersion) + ")");
  }
}

void check_geometry(const Header& header, const std::string& path) {
  const Layout wanted = layout_for(std::clamp(header.slot_count, 1U, kMaxSlots));
  const bool sound = header.header_size >= sizeof(Header) && header.header_size <= kPage &&
                     header.slot_count >= 1 && header.slot_count <= kMaxSlots &&
                     header.site_count == kMaxSites && header.module_count == kMaxModules &&
                     header.group_count == kMaxGroups && header.accusation_count == kMaxAccusations &&
                     header.slots_at == wanted.slots_at && header.sites_at == wanted.sites_at &&
                     header.modules_at == wanted.modules_at && header.groups_at == wanted.groups_at &&
                     header.accusations_at == wanted.accusations_at &&
                     header.threads_at == wanted.threads_at && header.managed_at == wanted.managed_at &&
                     header.text_at == wanted.text_at && header.pools_at == wanted.pools_at &&
                     header.control_at == wanted.control_at && header.ladder_at == wanted.ladder_at &&
                     header.history_at == wanted.history_at && header.total_size == wanted.total;
  if (!sound) refuse(path, "is damaged: the sizes in its header do not fit together");
}

void check_size(const Header& header, std::uint64_t size, const std::string& path) {
  if (size == header.total_size) return;
  refuse(path, std::string(size < header.total_size ? "is truncated" : "is damaged") + ": it has " +
                   std::to_string(size) + " bytes, its header says " + std::to_string(header.total_size));
}

void check_header(const Header& header, std::uint64_t size, const std::string& path) {
  check_identity(header, path);
  check_geometry(header, path);
  check_size(header, size, path);
  if (header.ready.load(std::memory_order_acquire) == 0) {
    throw RecordingNotBegun("'" + path + "' is not ready: " + kNotBegun);
  }
}

// Private memory instead of a mapping of the file: a live file can be truncated under us, and a
// mapping would then answer with SIGBUS. Zero-filled, so what is not read costs nothing.
std::shared_ptr<char> zero_memory(std::size_t size, const std::string& path) {
  void* start =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) refuse_errno(path, "needs more memory than there is", errno);
  return {static_cast<char*>(start), [size](char* memory) { ::munmap(memory, size); }};
}

struct Range {
  std::uint64_t from, to;
};

// Copies a range of the file to the same offsets in memory. Holes are skipped where the filesystem
// tells them; one that cannot tell calls everything data.
bool read_range(int fd, char* memory, Range range) {
  std::uint64_t at = range.from;
  while (at < range.to) {
    const off_t data = ::lseek(fd, static_cast<off_t>(at), SEEK_DATA);
    if (data < 0 && errno == ENXIO) return true;
    const off_t hole = data < 0 ? -1 : ::lseek(fd, data, SEEK_HOLE);
    const bool told = data >= 0 && hole > data;
    const std::uint64_t from = told ? static_cast<std::uint64_t>(data) : at;
    const std::uint64_t to = told ? std::min(range.to, static_cast<std::uint64_t>(hole)) : range.to;
    if (from >= range.to) return true;
    if (!read_at(fd, memory + from, to - from, from)) return false;
    at = to;
  }
  return true;
}

// Everything but the slots above the highest one used. Accusations and groups come before what
// they refer to, so that a live recording is never seen to name a site that was read too early.
bool read_used(int fd, char* memory, const Header& header) {
  const std::uint64_t slots = std::min(header.highest_slot.load(), header.slot_count);
  const Range ranges[] = {{header.groups_at, header.total_size},
                          {header.slots_at, header.slots_at + slots * sizeof(Slot)},
                          {header.sites_at, header.groups_at}};
  return std::all_of(std::begin(ranges), std::end(ranges),
                     [&](Range range) { return read_range(fd, memory, range); });
}

struct stat regular_file(int fd, const std::string& path) {
  struct stat facts {};
  if (::fstat(fd, &facts) != 0) refuse_errno(path, "cannot be looked at", errno);
  if (!S_ISREG(facts.st_mode)) refuse(path, "is not a regular file");
  return facts;
}

std::uint64_t created_at(const std::string& path) {
  const Descriptor file(open_for_reading(path));
  std::uint64_t created = 0;
  struct stat facts {};
  if (file.get() < 0 || ::fstat(file.get(), &facts) != 0 || !S_ISREG(facts.st_mode)) return 0;
  read_at(file.get(), &created, sizeof(created), offsetof(Header, created_realtime_ns));
  return created;
}

std::vector<std::string> names_in(DIR* directory) {
  constexpr std::string_view suffix = kRecordingSuffix;
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (name.size() > suffix.size() && name.ends_with(suffix)) names.emplace_back(name);
  }
  return names;
}

template <typename T>
std::span<const T> area(const char* start, std::uint64_t at, std::uint64_t count) {
  return {reinterpret_cast<const T*>(start + at), static_cast<std::size_t>(count)};
}

}  // namespace

RecordingView RecordingView::of_file(const std::string& path) {
  const Descriptor file(open_for_reading(path));
  if (file.get() < 0) {
    if (errno == ELOOP) refuse(path, "is a symbolic link, which is never followed");
    refuse_errno(path, "cannot be opened", errno);
  }
  const auto size = static_cast<std::uint64_t>(regular_file(file.get(), path).st_size);
  const std::shared_ptr<char> page = zero_memory(kPage, path);
  if (!read_at(file.get(), page.get(), kPage, 0)) refuse_errno(path, "cannot be read", errno);
  const auto& header = *reinterpret_cast<const Header*>(page.get());
  if (size < kPage && std::memcmp(header.magic, kMagic, sizeof(kMagic)) == 0) {
    refuse(path, "is truncated: it has " + std::to_string(size) + " bytes, less than its header");
  }
  if (size < kPage) refuse(path, "is not a socktrack recording: too small");
  check_header(header, size, path);

  const std::shared_ptr<char> memory = zero_memory(header.total_size, path);
  std::memcpy(memory.get(), page.get(), kPage);
  if (!read_used(file.get(), memory.get(), header)) refuse_errno(path, "cannot be read", errno);
  RecordingView view = of_memory(memory.get(), header.total_size);
  view.mapping_ = memory;
  view.path_ = path;
  return view;
}

RecordingView RecordingView::of_memory(const void* start, std::size_t size) {
  if (start == nullptr || size < kPage) refuse("", "is too small");
  if (reinterpret_cast<std::uintptr_t>(start) % alignof(Header) != 0) refuse("", "is not aligned");
  const auto* bytes = static_cast<const char*>(start);
  const auto& header = *reinterpret_cast<const Header*>(bytes);
  check_header(header, size, "");

  RecordingView view;
  view.header_ = &header;
  view.slots_ = area<Slot>(bytes, header.slots_at, std::min(header.highest_slot.load(), header.slot_count));
  view.sites_ = area<Site>(bytes, header.sites_at, kMaxSites);
  view.modules_ = area<Module>(bytes, header.modules_at, kMaxModules);
  view.groups_ = area<Group>(bytes, header.groups_at, std::min(header.groups_used.load(), kMaxGroups));
  view.accusations_ = area<Accusation>(bytes, header.accusations_at,
                                       std::min(header.accusations_used.load(), kMaxAccusations));
  view.managed_ = area<ManagedFrame>(bytes, header.managed_at, kMaxManaged);
  view.text_ = {bytes + header.text_at, kTextBytes};
  view.pools_ = area<PoolName>(bytes, header.pools_at, kMaxPools);
  view.threads_ = area<ThreadName>(bytes, header.threads_at, kMaxThreads);
  view.control_ = reinterpret_cast<const LadderControl*>(bytes + header.control_at);
  view.ladder_ = area<GroupLadder>(bytes, header.ladder_at, view.groups_.size());
  view.history_ = reinterpret_cast<const History*>(bytes + header.history_at);
  return view;
}

RecordingView RecordingView::of_memory(const std::shared_ptr<const void>& memory, std::size_t size) {
  RecordingView view = of_memory(memory.get(), size);
  view.mapping_ = memory;
  return view;
}

const Site* RecordingView::site(std::uint32_t index) const {
  if (index == 0 || index >= sites_.size()) return nullptr;
  const Site& found = sites_[index];
  const std::uint32_t depth = found.depth.load(std::memory_order_acquire);
  return depth >= 1 && depth <= kMaxFrames ? &found : nullptr;
}

const Module* RecordingView::module(std::uint32_t index) const {
  if (index >= modules_.size()) return nullptr;
  const Module& found = modules_[index];
  const bool sound = found.ready.load(std::memory_order_acquire) != 0 &&
                     found.build_id_size <= sizeof(found.build_id) &&
                     ::strnlen(found.path, sizeof(found.path)) < sizeof(found.path);
  return sound ? &found : nullptr;
}

const ManagedFrame* RecordingView::managed(std::uint64_t index) const {
  if (index == 0 || index >= managed_.size()) return nullptr;
  const ManagedFrame& found = managed_[index];
  const auto fits = [](std::uint32_t at, std::uint32_t size) {
    return at <= kTextBytes && size <= kTextBytes - at;
  };
  const bool sound = found.ready.load(std::memory_order_acquire) != 0 &&
                     fits(found.function_at, found.function_size) && fits(found.file_at, found.file_size) &&
                     *name_of(found.language) != '\0';
  return sound ? &found : nullptr;
}

std::string_view RecordingView::function_of(const ManagedFrame& frame) const {
  return text_.substr(frame.function_at, frame.function_size);
}

std::string_view RecordingView::file_of(const ManagedFrame& frame) const {
  return text_.substr(frame.file_at, frame.file_size);
}

std::string RecordingView::thread_name(std::uint32_t tid) const {
  const ThreadName& entry = threads_[tid % kMaxThreads];
  if (tid == 0 || entry.tid.load(std::memory_order_acquire) != tid) return "";
  return {entry.name, ::strnlen(entry.name, sizeof(entry.name))};
}

std::string RecordingView::pool_name(std::uint32_t number) const {
  if (number == 0 || number > pools_.size()) return "";
  const PoolName& entry = pools_[number - 1];
  if (entry.ready.load(std::memory_order_acquire) != 2) return "";
  return {entry.name, ::strnlen(entry.name, sizeof(entry.name))};
}

std::vector<std::string> find_recordings(const std::string& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) refuse_errno(path, "cannot be read", errno);
  if (!S_ISDIR(facts.st_mode)) return {path};
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), &::closedir);
  if (directory == nullptr) refuse_errno(path, "cannot be read", errno);

  std::vector<std::pair<std::uint64_t, std::string>> found;
  for (const std::string& name : names_in(directory.get())) {
    std::string file = path + (path.ends_with('/') ? "" : "/") + name;
    const std::uint64_t created = created_at(file);
    found.emplace_back(created, std::move(file));
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> files;
  for (auto& [created, file] : found) files.push_back(std::move(file));
  return files;
}

}  // namespace socktrack
