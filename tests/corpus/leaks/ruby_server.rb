# An array keeps sockets of clients that are gone.
require 'socket'

leaks = 5
healthy = 3
kept = []
listener = TCPServer.new('127.0.0.1', 0)
(leaks + healthy).times do |i|
  client = TCPSocket.new('127.0.0.1', listener.addr[1])
  client.write('hello')
  client.close
  connection = listener.accept
  connection.read
  i < leaks ? kept << connection : connection.close
end
sleep(3 * (ENV['CORPUS_GRACE_MS'] || 300).to_i / 1000.0 + 0.3)
$stdout.sync = true
puts 'done'
exit!(0) # as when killed: no finalizer closes
