// Sockets that were over when the program was killed, and younger than the grace: at the last sweep, or as
// the program was told after it. A program that ends by itself has them judged in its last look
// (group_flag::at_exit); SIGTERM and ^C leave only this.
#pragma once

#include <deque>

#include "watch/recording_reader.h"

namespace socktrack {

// As groups marked at_exit. Their sockets were never accused, so no addresses are known.
std::deque<Group> unspoken_suspects(const RecordingView& recording);

}  // namespace socktrack
