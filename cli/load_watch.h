// Did the library get into the program? The loader goes on without a library that it cannot or may not
// load, so a run without leaks means nothing until this is known.
#pragma once

#include <string>

namespace socktrack {

class LoadWatch {
 public:
  LoadWatch(int pid, std::string library) : pid_(pid), library_(std::move(library)) {}

  // Looks at the running program. True when there is no more to find out; tells the user at once if the
  // library was left out.
  bool look();

  // It was left out: this is the reason, a sentence. "" = it is in, or the program ended before it could
  // be seen, or may not be looked at.
  const std::string& why_not() const { return why_not_; }

 private:
  int pid_;
  std::string library_;  // path
  std::string why_not_;
};

}  // namespace socktrack
