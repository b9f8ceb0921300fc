// What the user has decided not to hear of: rules of a file (--suppress) and fingerprints (--ignore).
// Suppressed groups stay in the report, named and counted, but are no leaks of it. A rule that meets nothing
// is told: it hides nothing today, and may hide something else tomorrow.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "watch/report.h"

namespace socktrack {

// `*` is any text, `?` any one character, everything else itself: names of functions are full of brackets.
// The whole text must match. Time is at most the product of the lengths.
bool matches_glob(std::string_view pattern, std::string_view text);

// A sentence with file and line: "quiet.txt:7: 'frmae' is none of frame, module, ...".
class SuppressionError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Suppressions {
 public:
  // Rules, one a line: terms "key:glob" with blanks between, all of which must hold; '#' at the start of a
  // line or after a blank begins a comment; a glob with blanks stands in double quotes. Keys:
  //   frame    function of any frame of the open or the sighting stack, with or without its parameters
  //   module   file name, or path, of the program or library of such a frame
  //   verdict  eof_not_closed, ...
  //   peer     address at the other end, without port   } true if they hold for every socket of the group
  //   port     local or remote port                     } that the report lists, and if it lists any
  // Throws SuppressionError. `source` names the text in messages.
  void add_rules(std::string_view text, const std::string& source);
  void add_file(const std::string& path);  // ... also if it cannot be read
  // Fingerprints or globs of them, with commas between (SOCKTRACK_IGNORE).
  void add_ignored(std::string_view list);

  bool empty() const { return rules_.empty(); }

  // Moves what the rules meet from groups and open_at_exit to `suppressed`, takes it off `leaked`, and adds
  // a note for each rule that met nothing in any of the processes.
  void apply(Report& report) const;

 private:
  enum class Key { frame, module, verdict, peer, port, fingerprint };
  struct Term {
    Key key;
    std::string glob;
  };
  struct Rule {
    std::string name;  // "quiet.txt:7 (frame:PoolEntry::*)", "--ignore 12ab*"
    std::vector<Term> terms;
  };

  static Key key_of(std::string_view word);
  static Term term_of(std::string_view word);
  static Rule rule_of(std::string_view line);
  static bool holds(const Term& term, const LeakGroup& group);
  static bool meets(const Rule& rule, const LeakGroup& group);
  void move_suppressed(std::vector<LeakGroup>& from, ProcessReport& process, std::vector<bool>& used) const;

  std::vector<Rule> rules_;
};

}  // namespace socktrack
