#include "cli/retention.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <set>
#include <utility>

#include "cli/live_recordings.h"
#include "cli/load_report.h"
#include "socktrack/recording.h"
#include "watch/recording_reader.h"

namespace socktrack {
namespace {

// A recording without a last word may belong to a process that cannot be seen from here (another container).
// Its watcher looks at it every second; one that has not for so long is no more.
constexpr std::uint64_t kSilence_ns = std::uint64_t{600} * 1'000'000'000;

using FileIdentity = std::pair<dev_t, ino_t>;

struct Candidate {
  std::string directory, name;
  struct stat facts {};
  std::uint64_t bytes = 0;  // as allocated
};

// A directory that nobody else can put things into. Everything in it is reached through this descriptor: a
// path could lead elsewhere a moment later.
class PrivateDirectory {
 public:
  explicit PrivateDirectory(const std::string& path)
      : fd_(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) {
    struct stat facts {};
    is_sound_ = fd_ >= 0 && fstat(fd_, &facts) == 0 && facts.st_uid == geteuid() &&
                (facts.st_mode & (S_IWGRP | S_IWOTH)) == 0;
  }
  ~PrivateDirectory() {
    if (fd_ >= 0) close(fd_);
  }
  PrivateDirectory(const PrivateDirectory&) = delete;
  PrivateDirectory& operator=(const PrivateDirectory&) = delete;

  bool is_sound() const { return is_sound_; }
  int fd() const { return fd_; }

  std::vector<std::string> names() const {
    std::vector<std::string> found;
    const std::unique_ptr<DIR, int (*)(DIR*)> listing(fdopendir(dup(fd_)), closedir);
    while (const dirent* entry = listing ? readdir(listing.get()) : nullptr)
      found.emplace_back(entry->d_name);
    return found;
  }

 private:
  int fd_;
  bool is_sound_ = false;
};

std::uint64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

bool was_silent(std::uint64_t since_ns) {
  const std::uint64_t now = monotonic_ns();
  // Later than now: of another boot.
  return since_ns > now || now - since_ns > kSilence_ns;
}

bool was_changed_long_ago(const struct stat& facts) {
  return time(nullptr) - facts.st_mtim.tv_sec > static_cast<time_t>(kSilence_ns / 1'000'000'000);
}

// Nobody writes it any more. What cannot be read as a recording of this version is judged by its age alone;
// whether a process has it mapped was asked before.
bool is_over(const std::string& path, const struct stat& facts) {
  try {
    const RecordingView recording = RecordingView::of_file(path);
    const Header& header = recording.header();
    if (static_cast<EndedBy>(header.ended_by.load()) != EndedBy::not_yet) return true;
    return !fate_of(recording).running &&
           was_silent(std::max(header.created_monotonic_ns, header.swept_monotonic_ns.load()));
  } catch (const RecordingError&) {
    return was_changed_long_ago(facts);
  }
}

// Anybody's file may be called like one.
bool begins_like_recording(int directory, const std::string& name) {
  const int fd = openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return false;
  char magic[sizeof kMagic] = {};
  const ssize_t got = pread(fd, magic, sizeof magic, 0);
  close(fd);
  static constexpr char kBlank[sizeof kMagic] = {};
  return got == sizeof magic &&
         (std::memcmp(magic, kMagic, sizeof magic) == 0 || std::memcmp(magic, kBlank, sizeof magic) == 0);
}

class Cleaning {
 public:
  explicit Cleaning(Remove remove) : remove_(remove) {}

  void look_into(const std::string& path, bool below) {
    const PrivateDirectory directory(path);
    if (!directory.is_sound()) return;
    for (const std::string& name : directory.names()) {
      struct stat facts {};
      if (fstatat(directory.fd(), name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0) continue;
      if (below && S_ISDIR(facts.st_mode) && name.starts_with("run.")) look_into(path + '/' + name, false);
      if (!S_ISREG(facts.st_mode) || facts.st_uid != geteuid() || !name.ends_with(kRecordingSuffix)) continue;
      if (!begins_like_recording(directory.fd(), name)) continue;
      found_.push_back({path, name, facts, static_cast<std::uint64_t>(facts.st_blocks) * 512});
      bytes_found_ += found_.back().bytes;
    }
    if (!below || path.starts_with("/dev/shm/socktrack.")) made_for_a_run_.push_back(path);
  }

  bool found_more_than(const RetentionLimits& limits) const {
    return found_.size() > limits.count || bytes_found_ > limits.bytes;
  }

  Removal apply(const RetentionLimits& limits) {
    leave_out_living();
    // Newest first: what is beyond the limits goes.
    std::sort(found_.begin(), found_.end(), [](const Candidate& a, const Candidate& b) {
      return std::pair(a.facts.st_mtim.tv_sec, a.facts.st_mtim.tv_nsec) >
             std::pair(b.facts.st_mtim.tv_sec, b.facts.st_mtim.tv_nsec);
    });
    std::uint64_t bytes = 0;
    for (const Candidate& each : found_) {
      if (result_.kept < limits.count && bytes + each.bytes <= limits.bytes) {
        ++result_.kept;
        bytes += each.bytes;
      } else {
        take_away(each);
      }
    }
    for (const std::string& path : made_for_a_run_) take_away_empty(path);
    return std::move(result_);
  }

 private:
  void leave_out_living() {
    std::set<FileIdentity> mapped;
    for (const LiveRecording& each : live_recordings()) {
      struct stat facts {};
      if (stat(each.path.c_str(), &facts) == 0) mapped.insert({facts.st_dev, facts.st_ino});
    }
    result_.in_use = std::erase_if(found_, [&](const Candidate& each) {
      return mapped.contains({each.facts.st_dev, each.facts.st_ino}) ||
             !is_over(each.directory + '/' + each.name, each.facts);
    });
  }

  void take_away(const Candidate& each) {
    const std::string path = each.directory + '/' + each.name;
    const PrivateDirectory directory(each.directory);
    if (remove_ == Remove::yes &&
        (!directory.is_sound() || unlinkat(directory.fd(), each.name.c_str(), 0) != 0) && errno != ENOENT) {
      result_.failed.push_back(path + ": " + std::strerror(errno));
      return;
    }
    result_.removed.push_back(path);
    result_.bytes += each.bytes;
  }

  // A young empty one may be of a run whose program has not opened a socket yet.
  void take_away_empty(const std::string& path) {
    struct stat facts {};
    if (remove_ == Remove::no || lstat(path.c_str(), &facts) != 0 || facts.st_uid != geteuid()) return;
    const bool emptied = std::any_of(result_.removed.begin(), result_.removed.end(),
                                     [&](const std::string& each) { return each.starts_with(path + '/'); });
    if (!emptied && !was_changed_long_ago(facts)) return;
    if (rmdir(path.c_str()) == 0) result_.removed.push_back(path);
  }

  Remove remove_;
  std::vector<Candidate> found_;
  std::uint64_t bytes_found_ = 0;
  std::vector<std::string> made_for_a_run_;
  Removal result_;
};

}  // namespace

Removal clean_recordings(const std::vector<std::string>& directories, const RetentionLimits& limits,
                         Remove remove) {
  Cleaning cleaning(remove);
  for (const std::string& each : directories) cleaning.look_into(each, true);
  return cleaning.apply(limits);
}

void keep_within_limits(const std::vector<std::string>& directories, const RetentionLimits& limits) {
  Cleaning cleaning(Remove::yes);
  for (const std::string& each : directories) cleaning.look_into(each, true);
  if (cleaning.found_more_than(limits)) cleaning.apply(limits);
}

bool parse_size(const std::string& text, std::uint64_t& bytes) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return false;
  const std::string unit(end, text.data() + text.size());
  const std::size_t at = std::string("KMG").find(unit);
  if (unit.size() > 1 || at == std::string::npos) return false;
  const unsigned shift = unit.empty() ? 0 : 10 * (static_cast<unsigned>(at) + 1);
  if (number > (~std::uint64_t{0} >> shift)) return false;
  bytes = number << shift;
  return true;
}

}  // namespace socktrack
