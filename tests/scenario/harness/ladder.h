// The program tests/programs/ladder.c with the library in front of it and without `socktrack run`: it leaks
// on command, and the ladder is ordered with `socktrack mitigate` while it runs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/socktrack.h"

namespace scenario {

class Ladder {
 public:
  explicit Ladder(const Environment& added = {});
  ~Ladder() { process_.close_input(); }

  std::string ask(const std::string& words);  // one order, one line of answer
  std::string ask(const std::string& word, int number) { return ask(word + " " + std::to_string(number)); }
  pid_t pid() const { return process_.pid(); }
  std::string directory() const { return directory_ / "recordings"; }
  Outcome finish() { return process_.finish(); }

  Outcome mitigate(Arguments words);

  // As the running program's recording has them.
  Json process();
  Json group();  // of the sockets that leak_one() leaked; null if none
  std::string fingerprint_of(std::uint64_t count);
  // ... of all groups of sockets whose end was read, once there are `count` of these, with commas between.
  std::string fingerprints_of(std::uint64_t count);
  // Summed over all groups.
  std::uint64_t acted(const std::string& rung);
  std::uint64_t refused(const std::string& reason);
  std::string told();  // what was done and refused, group by group, for messages
  bool has_acted(const std::string& rung, std::uint64_t count);
  bool has_refused(const std::string& reason, std::uint64_t count);

  std::string audit_file() const;
  std::vector<Json> audit() const;
  std::vector<Json> acts() const;  // those that were done

 private:
  Environment environment(Environment added) const;

  TempDir directory_;
  Process process_;
};

// What lets the ladder act at once, on as many as there are.
extern const Arguments kQuick;
Arguments order(const std::string& rung, const std::string& fingerprint, Arguments more = kQuick);

}  // namespace scenario
