// Starts a command as a user would and tells what it said and how it ended. Everything is awaited by
// events; the time limit is a safety net that kills the child and fails the test.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace scenario {

using Arguments = std::vector<std::string>;
// Added to the environment of the test, from which everything of socktrack and of the loader is removed.
using Environment = std::map<std::string, std::string>;

struct Outcome {
  int status = -1;  // as a shell says it: 128+signal if killed
  std::string out;
  std::string err;
};

// One child. Not to be used by two threads at a time.
class Process {
 public:
  // Found on PATH if arguments[0] has no slash; its process ends with status 127 if it cannot be started.
  explicit Process(const Arguments& arguments, const Environment& environment = {});
  ~Process();  // kills the child if it was not waited for
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  void say(std::string_view text);  // to its standard input
  void close_input();
  // The next line of its standard output without the line end. Throws std::runtime_error if there is none.
  std::string line();
  void send_signal(int signal) const;
  // Waits for its end and for that of its output.
  Outcome wait();
  // ... after closing its input.
  Outcome finish();

 private:
  struct Stream {
    int fd = -1;
    std::string text;
    bool ended = false;
    std::thread reader;
  };
  void collect(Stream& stream);
  void wait_for_exit();

  pid_t pid_ = -1;
  int input_ = -1;
  bool waited_ = false;
  int status_ = -1;
  std::size_t lines_end_ = 0;  // of what line() has given out
  std::mutex lock_;
  std::condition_variable changed_;
  Stream out_;
  Stream err_;
};

Outcome run(const Arguments& arguments, const Environment& environment = {});

// "" if the program is not on PATH (with the sbin directories).
std::string find_program(const std::string& name);

}  // namespace scenario
