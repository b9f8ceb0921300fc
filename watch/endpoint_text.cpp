#include "watch/endpoint_text.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <cstring>

namespace socktrack {
namespace {

constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// "" if it is neither family.
std::string plain(int family, const std::uint8_t* address) {
  char text[INET6_ADDRSTRLEN] = "";
  const char* written = inet_ntop(family, address, text, sizeof text);
  return written == nullptr ? "" : written;
}

}  // namespace

std::string address_text(const Endpoint& endpoint) {
  const bool mapped =
      endpoint.family == AF_INET6 && std::memcmp(endpoint.address, kMapped, sizeof kMapped) == 0;
  if (mapped) return plain(AF_INET, endpoint.address + sizeof kMapped);
  std::string text = plain(endpoint.family, endpoint.address);
  if (!text.empty() && endpoint.scope != 0) text += "%" + std::to_string(endpoint.scope);
  return text;
}

std::string endpoint_text(const Endpoint& endpoint) {
  const std::string address = address_text(endpoint);
  if (address.empty()) return "";
  const bool brackets = address.find(':') != std::string::npos;
  return (brackets ? "[" + address + "]" : address) + ":" + std::to_string(endpoint.port);
}

}  // namespace socktrack
