import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** UNIX domain channels: read to the end, kept. */
final class JavaUnixChannel {
  private JavaUnixChannel() {}

  static void readAll(SocketChannel channel) throws Exception {
    ByteBuffer buffer = ByteBuffer.allocate(64);
    while (channel.read(buffer) >= 0) buffer.clear(); // LEAK-SEEN
  }

  static SocketChannel take(ServerSocketChannel server) throws Exception {
    return server.accept(); // LEAK-OPEN
  }

  public static void main(String[] arguments) throws Exception {
    Path path = Files.createTempDirectory("corpus").resolve("s");
    List<SocketChannel> kept = new ArrayList<>();
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(path));
      for (int i = 0; i < 9; i++) {
        try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
          client.write(ByteBuffer.wrap(new byte[] {1, 2, 3}));
        }
        SocketChannel channel = take(server);
        readAll(channel);
        if (i % 2 == 0) channel.close(); else kept.add(channel);
      }
      Corpus.outliveGrace();
    }
    Files.delete(path);
    if (kept.size() == 4) Corpus.done();
  }
}
