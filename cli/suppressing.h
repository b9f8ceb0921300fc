// Which groups the user does not want to hear of, as a command is told: command line, else environment.
#pragma once

#include <string>
#include <vector>

#include "watch/options.h"
#include "watch/suppressions.h"

namespace socktrack {

// Throws Failure (usage) for a file that cannot be read or a rule that is none.
Suppressions suppressions_of(const Options& options);

// The same for a command without the settings of `run`. "" and an empty list: the environment has the word.
Suppressions suppressions_of(const std::string& file, const std::vector<std::string>& ignored);

}  // namespace socktrack
