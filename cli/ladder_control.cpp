#include "cli/ladder_control.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <functional>
#include <thread>

#include "cli/commands.h"
#include "cli/failure.h"
#include "watch/recording_reader.h"

namespace socktrack {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kWriterPatience = std::chrono::seconds(1);
constexpr auto kPatience = std::chrono::seconds(15);  // a sweep a second, and the time to read a large /proc

bool wait_until(std::chrono::seconds patience, const std::function<bool()>& done) {
  const auto deadline = Clock::now() + patience;
  while (!done()) {
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace

RemoteLadder::RemoteLadder(int pid, const std::string& recording) : pid_(pid) {
  const std::uint64_t at = RecordingView::of_file(recording).header().control_at;  // checked by the reader
  const int file = open(recording.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0) throw Failure(kCannot, "'" + recording + "' cannot be written: " + std::strerror(errno));
  struct stat facts {};
  const bool ours =
      fstat(file, &facts) == 0 && S_ISREG(facts.st_mode) && (facts.st_uid == geteuid() || geteuid() == 0);
  void* memory = ours ? mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, file, static_cast<off_t>(at))
                      : MAP_FAILED;
  close(file);
  if (!ours) throw Failure(kCannot, "'" + recording + "' belongs to another user");
  if (memory == MAP_FAILED) {
    throw Failure(kCannot, "'" + recording + "' cannot be mapped: " + std::strerror(errno));
  }
  control_ = {static_cast<LadderControl*>(memory), [](LadderControl* mapped) { munmap(mapped, kPage); }};
}

LadderPolicy RemoteLadder::active() const {
  LadderPolicy policy;
  wait_until(kWriterPatience, [&] { return load_policy(control_->active, policy) != 0; });
  return policy;
}

void RemoteLadder::set(const LadderPolicy& policy) {
  write(control_->active, policy);
  await(control_->active, control_->applied);
}

void RemoteLadder::plan(const LadderPolicy& policy) {
  write(control_->proposed, policy);
  await(control_->proposed, control_->planned);
}

// A command that was killed while it wrote leaves the sequence odd for ever: after a second its turn is over.
void RemoteLadder::write(SharedPolicy& shared, const LadderPolicy& policy) const {
  if (wait_until(kWriterPatience, [&] { return store_policy(shared, policy); })) return;
  std::uint32_t stuck = shared.sequence.load();
  if ((stuck & 1U) != 0) shared.sequence.compare_exchange_strong(stuck, stuck + 1);
  if (!store_policy(shared, policy))
    throw Failure(kCannot, "somebody else is changing the settings, try again");
}

void RemoteLadder::await(const SharedPolicy& shared, const std::atomic<std::uint32_t>& reached) const {
  const std::uint32_t wanted = shared.sequence.load();
  bool alive = true;
  const bool done = wait_until(kPatience, [&] {
    alive = kill(pid_, 0) == 0 || errno == EPERM;
    return !alive || static_cast<std::int32_t>(reached.load() - wanted) >= 0;
  });
  const std::string process = "process " + std::to_string(pid_);
  if (!alive) throw Failure(kCannot, process + " has ended");
  if (!done) {
    throw Failure(kCannot, process +
                               " does not answer: it is stopped, or runs without its watcher "
                               "(SOCKTRACK_WATCHER=off). The order stands and will be followed when it can");
  }
}

}  // namespace socktrack
