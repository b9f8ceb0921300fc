// Addresses as people write them.
#pragma once

#include <string>

#include "socktrack/recording.h"

namespace socktrack {

// "10.0.0.7", "::1", "fe80::1%2"; an IPv4 address in IPv6 clothes is shown as IPv4. "" = no address.
std::string address_text(const Endpoint& endpoint);

// "10.0.0.7:80", "[::1]:80"; "" = no address.
std::string endpoint_text(const Endpoint& endpoint);

}  // namespace socktrack
