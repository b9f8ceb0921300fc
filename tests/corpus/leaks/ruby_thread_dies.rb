# The thread of a client dies of an exception; the table of clients keeps its socket.
require 'socket'

Thread.report_on_exception = false
CLIENTS = []

def serve(client)
  CLIENTS << client
  until client.eof?
    line = client.readline
    raise ArgumentError, line if line.start_with?('bad')
  end
  raise EOFError
end

listener = TCPServer.new('127.0.0.1', 0)
6.times do
  peer = TCPSocket.new('127.0.0.1', listener.addr[1])
  peer.puts 'hello'
  peer.close
  Thread.new(listener.accept) { |client| serve(client) }
end
sleep 0.01 until Thread.list.size == 1
sleep(3 * (ENV['CORPUS_GRACE_MS'] || 300).to_f / 1000 + 0.3)
puts 'done'
