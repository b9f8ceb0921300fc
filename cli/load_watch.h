// Did the library get into the program, and is it still there? The loader goes on without a library that it
// cannot or may not load, and a wrapper script may exec a program that cannot be seen: a run without leaks
// means nothing then.
#pragma once

#include <string>

namespace socktrack {

class LoadWatch {
 public:
  LoadWatch(int pid, std::string library) : pid_(pid), library_(std::move(library)) {}

  // Looks at the running program, to be called now and then: cheap unless it has exec'ed another file
  // since. Tells the user at once if the library was left out.
  void look();

  // When the program has ended and is not waited for yet.
  void look_back();

  // It stood behind a seccomp filter that somebody installed for it, so the library kept out. Where it ended
  // before it was seen, a filter that it installed itself counts, too: ask only if it left no recording.
  bool is_kept_out() const { return kept_out_; }

  bool is_loaded() const { return loaded_; }  // it was seen there
  // It was left out, at least once: this is the reason, a sentence. "" = it was always there, or the program
  // ended before it could be seen, or may not be looked at.
  const std::string& why_not() const { return why_not_; }

 private:
  bool is_settled();

  int pid_;
  std::string library_;     // path
  std::string executable_;  // that the program runs now
  bool settled_ = false;    // known about that one
  bool loaded_ = false;
  bool kept_out_ = false;
  std::string free_name_;  // of the program, when it was seen without such a filter
  std::string why_not_;
};

}  // namespace socktrack
