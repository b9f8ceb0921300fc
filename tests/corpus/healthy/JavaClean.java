import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/** Blocking and channel servers that close; half-closed clients; a channel closed by another thread. */
public final class JavaClean {
  private static void blocking() throws Exception {
    try (ServerSocket listener = Corpus.listen()) {
      for (int i = 0; i < 10; i++) {
        Corpus.visit(listener, "hello");
        try (Socket connection = listener.accept()) {
          while (connection.getInputStream().read() != -1) continue;
        }
      }
    }
  }

  private static void channels() throws Exception {
    try (ServerSocketChannel server = ServerSocketChannel.open()) {
      server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      for (int i = 0; i < 10; i++) {
        SocketChannel client = SocketChannel.open(server.getLocalAddress());
        client.setOption(StandardSocketOptions.TCP_NODELAY, true);
        client.shutdownOutput();
        SocketChannel connection = server.accept();
        if (connection.read(ByteBuffer.allocate(8)) != -1) System.exit(1);
        Thread closer = new Thread(() -> {
          try {
            connection.close();
          } catch (java.io.IOException e) {
            System.exit(1);
          }
        });
        closer.start();
        closer.join();
        client.close();
      }
    }
  }

  public static void main(String[] arguments) throws Exception {
    blocking();
    channels();
    Corpus.outliveGrace();
    Corpus.done();
  }
}
