import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/** A selector server that closes its channels, and 20 blocking clients. */
public final class EchoNio {
  private static final int CLIENTS = 20;

  private static int right;

  private static boolean echo(SelectionKey key) throws IOException {
    SocketChannel channel = (SocketChannel) key.channel();
    ByteBuffer buffer = ByteBuffer.allocate(1024);
    if (channel.read(buffer) < 0) {
      channel.close();
      return false;
    }
    buffer.flip();
    while (buffer.hasRemaining()) channel.write(buffer);
    return true;
  }

  private static void serve(Selector selector, ServerSocketChannel server) throws IOException {
    int ended = 0;
    while (ended < CLIENTS) {
      selector.select();
      for (SelectionKey key : selector.selectedKeys()) {
        if (key.isAcceptable()) {
          SocketChannel channel = server.accept();
          channel.configureBlocking(false);
          channel.register(selector, SelectionKey.OP_READ);
        } else if (key.isReadable() && !echo(key)) {
          ended++;
        }
      }
      selector.selectedKeys().clear();
    }
    // Closed channels are let go by the selector's next look.
    selector.selectNow();
  }

  private static void ask(int port) {
    try {
      for (int i = 0; i < CLIENTS; i++) {
        try (Socket client = new Socket(InetAddress.getLoopbackAddress(), port)) {
          byte[] question = ("question " + i).getBytes("US-ASCII");
          client.getOutputStream().write(question);
          byte[] answer = client.getInputStream().readNBytes(question.length);
          if (java.util.Arrays.equals(question, answer)) right++;
        }
      }
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  public static void main(String[] arguments) throws Exception {
    try (Selector selector = Selector.open();
        ServerSocketChannel server = ServerSocketChannel.open()) {
      server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      server.configureBlocking(false);
      server.register(selector, SelectionKey.OP_ACCEPT);
      Thread clients = new Thread(() -> ask(server.socket().getLocalPort()));
      clients.start();
      serve(selector, server);
      clients.join();
    }
    System.out.println("done " + right);
  }
}
