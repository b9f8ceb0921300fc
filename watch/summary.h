// What a leak group comes to, in one sentence: how many of how many, where the others are closed, and where
// these saw their end.
#pragma once

#include <string>

#include "watch/report.h"

namespace socktrack {

// "23 of 1500 sockets opened at accept_client (server.c:40) leak; 100 % of the others are closed at conn_free
// (conn.c:88); these saw end of stream at read_reply (conn.c:61)". "" if nothing of it is known.
std::string summary_of(const LeakGroup& group);

}  // namespace socktrack
