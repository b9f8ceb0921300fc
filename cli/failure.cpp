#include "cli/failure.h"

#include <spdlog/spdlog.h>

#include "cli/commands.h"
#include "cli/printable.h"

namespace socktrack {

int exit_status_of(const std::function<int()>& command) {
  try {
    return command();
  } catch (const Failure& failure) {
    spdlog::error("{}", printable(failure.what()));
    return failure.exit_status();
  } catch (const std::exception& error) {
    spdlog::error("{}", printable(error.what()));
    return kCannot;
  }
}

}  // namespace socktrack
