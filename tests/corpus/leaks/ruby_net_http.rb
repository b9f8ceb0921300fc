# Net::HTTP started without a block and never finished; the server ends keep-alive.
require 'net/http'
require 'socket'

SESSIONS = []
listener = TCPServer.new('127.0.0.1', 0)
server = Thread.new do
  4.times do
    client = listener.accept
    loop { break if client.gets.strip.empty? }
    client.write "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    client.close
  end
end
4.times do
  http = Net::HTTP.start('127.0.0.1', listener.addr[1])
  raise unless http.get('/').body == 'ok'
  SESSIONS << http
end
server.join
sleep(3 * (ENV['CORPUS_GRACE_MS'] || 300).to_f / 1000 + 0.3)
puts 'done'
