import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;

/** read() gives -1; the key is cancelled, the channel is not closed. */
public final class JavaNioSelector {
  private static final int LEAKS = 5;
  private static final List<SocketChannel> kept = new ArrayList<>();

  static boolean onReadable(SelectionKey key) throws IOException {
    SocketChannel channel = (SocketChannel) key.channel();
    if (channel.read(ByteBuffer.allocate(64)) != -1) return false;  // LEAK-SEEN
    key.cancel();
    kept.add(channel);
    return true;
  }

  public static void main(String[] arguments) throws Exception {
    Selector selector = Selector.open();
    ServerSocketChannel server = ServerSocketChannel.open();
    server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    for (int i = 0; i < LEAKS; i++) {
      try (Socket client = new Socket(InetAddress.getLoopbackAddress(), server.socket().getLocalPort())) {
        client.getOutputStream().write('x');
      }
      SocketChannel channel = server.accept();  // LEAK-OPEN
      channel.configureBlocking(false);
      channel.register(selector, SelectionKey.OP_READ);
    }
    int ended = 0;
    while (ended < LEAKS) {
      selector.select();
      for (SelectionKey key : selector.selectedKeys()) if (onReadable(key)) ended++;
      selector.selectedKeys().clear();
    }
    selector.selectNow();
    Corpus.outliveGrace();
    Corpus.done();
  }
}
