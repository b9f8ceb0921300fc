// Where `socktrack top` gets its snapshots from: the recordings of running processes, read on a thread of
// their own, so that neither large debug information nor a slow disk holds up the keyboard.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "watch/names.h"
#include "watch/report.h"

namespace socktrack {

struct Snapshot {
  std::shared_ptr<const Report> report;  // nullptr: there is none yet
  std::string clock;                     // local time it was taken
};

// Reads again at each call. Processes that ended since the call before stay, as they were seen last.
class TopReader {
 public:
  explicit TopReader(int pid) : pid_(pid) {}  // 0 = all
  Snapshot read(Names& names);

 private:
  int pid_;
  std::map<std::string, ProcessReport> last_;  // by path of the recording and pid
};

class TopSource {
 public:
  TopSource(int pid, std::chrono::milliseconds interval);
  ~TopSource();  // waits for a reading that is under way
  TopSource(const TopSource&) = delete;
  TopSource& operator=(const TopSource&) = delete;

  // The latest one, if the caller has not had it. `number` is the caller's, 0 at first.
  bool newer_than(std::uint64_t& number, Snapshot& snapshot);
  void hurry();  // the next one now

 private:
  void work();

  TopReader reader_;
  std::chrono::milliseconds interval_;
  std::mutex lock_;
  std::condition_variable changed_;
  Snapshot latest_;
  std::uint64_t number_ = 0;
  bool ends_ = false, hurries_ = false;
  std::thread thread_;
};

}  // namespace socktrack
