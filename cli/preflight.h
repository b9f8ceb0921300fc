// Will socktrack see anything of this program, and if not, why not? Asked before it is started, because
// the loader says nothing, or one line among many, when it leaves a preloaded library out.
#pragma once

#include <string>
#include <vector>

#include "cli/elf_facts.h"

namespace socktrack {

struct Preflight {
  enum class Answer {
    yes,
    no,              // it would run, and nothing would be seen
    unknown,         // only a look at the started process can tell
    not_executable,  // exists, and cannot be started (exit status 126, as in shells)
    missing,         // (exit status 127)
  };
  Answer answer = Answer::yes;
  std::string reason;              // one sentence without the name of the program; "" for a plain yes
  std::string advice;              // one sentence: what to do instead; may be ""
  std::vector<std::string> notes;  // sentences: it works, but
  std::vector<std::string> chain;  // files looked at: the program, then its interpreters
  std::string path;                // of the program, found in PATH; "" if missing
  std::string first_preload;       // a sanitizer runtime that must come before our library; "" = none
};

// `program` as given to exec: searched in PATH if it has no '/'. `arguments` are those of the program:
// `env` starts another one named there. Follows "#!" lines as the kernel does.
Preflight check_program(const std::string& program, const std::vector<std::string>& arguments = {});

enum class Notes { no, yes };  // gathering them means a look at every descriptor of the process

// A running process. yes: it would work if the program were started again under socktrack, or is tracked
// already (said in `notes`). missing: no such process.
Preflight check_process(int pid, Notes notes = Notes::yes);

// What the file alone says: sets answer, reason, advice and what must be preloaded first. Shared by the two.
void judge_elf(const ElfFacts& facts, Preflight& result);

}  // namespace socktrack
