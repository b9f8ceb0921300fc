#include "servers.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

namespace scenario {
namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

class Socket {
 public:
  Socket() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "socket");
  }
  ~Socket() { close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

std::string page_text() {
  std::string text;
  for (int i = 0; i < 2000; i++) text += "line " + std::to_string(i) + "\n";
  return text;
}

}  // namespace

int free_port() {
  const Socket probe;
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(probe.fd(), generic, size) != 0 || getsockname(probe.fd(), generic, &size) != 0) {
    throw std::system_error(errno, std::generic_category(), "bind");
  }
  return ntohs(address.sin_port);
}

bool accepts_connections(int port) {
  return eventually([port] {
    const Socket probe;
    const sockaddr_in address = loopback(port);
    return connect(probe.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  });
}

Nginx::Nginx(bool tracked, bool keepalive) {
  write_configuration(keepalive);
  const Arguments nginx{find_program("nginx"),    "-p", directory_.path(),        "-e",
                        directory_ / "error.log", "-c", directory_ / "nginx.conf"};
  const Arguments options{"--grace", "500ms", "--json", directory_ / "report.json"};
  process_ = tracked
                 ? std::make_unique<Process>(tracked_command(directory_, options, nginx), base_environment())
                 : std::make_unique<Process>(nginx);
}

void Nginx::write_configuration(bool keepalive) {
  // Workers drop their privileges, so the pages must be readable for everybody.
  std::filesystem::permissions(pages_.path(), std::filesystem::perms(0755));
  std::ofstream(pages_ / "page.txt") << page_text();
  std::ofstream out(directory_ / "nginx.conf");
  out << "daemon off;\nworker_processes 2;\npid nginx.pid;\nerror_log error.log warn;\n"
      << "events { worker_connections 256; }\n"
      << "http {\n  access_log off;\n  sendfile on;\n  keepalive_requests 100000;\n"
      << "  keepalive_timeout " << (keepalive ? "60s" : "0") << ";\n";
  for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
    out << "  " << kind << "_temp_path " << kind << ";\n";
  }
  out << "  server {\n    listen 127.0.0.1:" << port_ << ";\n    root " << pages_.path() << ";\n"
      << "    location = /hello { return 200 \"hello\\n\"; }\n  }\n}\n";
}

std::string Nginx::url(const std::string& path) const {
  return "http://127.0.0.1:" + std::to_string(port_) + path;
}

std::string Nginx::page() const { return page_text(); }

std::string Nginx::complaints() const {
  std::ifstream log(directory_ / "error.log");
  std::string found;
  for (std::string line; std::getline(log, line);) {
    for (const char* level : {"[alert]", "[crit]", "[emerg]"}) {
      if (line.find(level) != std::string::npos) found += line + "\n";
    }
  }
  return found;
}

Redis::Redis() {
  const Arguments redis{find_program("redis-server"),
                        "--port",
                        port(),
                        "--bind",
                        "127.0.0.1",
                        "--dir",
                        directory_.path(),
                        "--save",
                        "",
                        "--daemonize",
                        "no"};
  const Arguments options{"--grace", "500ms", "--json", directory_ / "report.json"};
  process_ = std::make_unique<Process>(tracked_command(directory_, options, redis), base_environment());
}

Outcome Redis::ask(const Arguments& command) const {
  Arguments arguments{"redis-cli", "-h", "127.0.0.1", "-p", port()};
  arguments.insert(arguments.end(), command.begin(), command.end());
  return run(arguments);
}

}  // namespace scenario
