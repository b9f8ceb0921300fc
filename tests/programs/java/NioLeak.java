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

/**
 * A selector server that cancels the key at end of stream but leaves the channel open: 6 leaks. The 4
 * clients that say 'q' are closed. With "fixed" all of them are.
 */
public final class NioLeak {
  private static final int LEAKS = 6;
  private static final int HEALTHY = 4;

  private final List<SocketChannel> registry = new ArrayList<>();
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(64);
  private final boolean fixed;
  private int ended;

  private NioLeak(boolean fixed) {
    this.fixed = fixed;
  }

  private void onReadable(SelectionKey key) throws IOException {
    SocketChannel channel = (SocketChannel) key.channel();
    buffer.clear();
    int count = channel.read(buffer);
    if (count == -1) {
      key.cancel();
      if (fixed) channel.close();
      ended++;
    } else if (buffer.get(count - 1) == 'q') {
      key.cancel();
      channel.close();
      ended++;
    }
  }

  private void accept(ServerSocketChannel server, Selector selector) throws IOException {
    SocketChannel channel = server.accept();
    channel.configureBlocking(false);
    channel.register(selector, SelectionKey.OP_READ);
    registry.add(channel);
  }

  private void serve(Selector selector, ServerSocketChannel server) throws IOException {
    while (ended < LEAKS + HEALTHY) {
      selector.select();
      for (SelectionKey key : selector.selectedKeys()) {
        if (key.isAcceptable()) accept(server, selector);
        else if (key.isReadable()) onReadable(key);
      }
      selector.selectedKeys().clear();
    }
    // A cancelled channel is only closed for good by the selector's next look.
    selector.selectNow();
  }

  private static void drive(int port) {
    try {
      for (int i = 0; i < LEAKS + HEALTHY; i++) {
        try (Socket client = new Socket(InetAddress.getLoopbackAddress(), port)) {
          client.getOutputStream().write(i < LEAKS ? 'x' : 'q');
          if (i >= LEAKS) client.getInputStream().read();
        }
      }
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  public static void main(String[] arguments) throws Exception {
    NioLeak leak = new NioLeak(arguments.length > 0 && arguments[0].equals("fixed"));
    try (Selector selector = Selector.open();
        ServerSocketChannel server = ServerSocketChannel.open()) {
      server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      server.configureBlocking(false);
      server.register(selector, SelectionKey.OP_ACCEPT);
      Thread clients = new Thread(() -> drive(server.socket().getLocalPort()));
      clients.start();
      leak.serve(selector, server);
      clients.join();
    }
    System.out.println("done");
    System.out.flush();
    if (leak.registry.size() != LEAKS + HEALTHY) System.exit(1);
  }
}
