import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousServerSocketChannel;
import java.nio.channels.AsynchronousSocketChannel;
import java.nio.channels.CompletionHandler;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;

/** AsynchronousSocketChannel: completed with -1, forgotten. */
final class JavaAsyncChannel {
  private static final List<AsynchronousSocketChannel> KEPT = new CopyOnWriteArrayList<>();
  private static final CountDownLatch ENDED = new CountDownLatch(5);

  private JavaAsyncChannel() {}

  static void readNext(AsynchronousSocketChannel channel) {
    ByteBuffer buffer = ByteBuffer.allocate(64);
    channel.read(buffer, channel, new CompletionHandler<>() {
      @Override
      public void completed(Integer size, AsynchronousSocketChannel from) {
        if (size >= 0) {
          readNext(from);
        } else {
          ENDED.countDown();
        }
      }

      @Override
      public void failed(Throwable error, AsynchronousSocketChannel from) {
        ENDED.countDown();
      }
    });
  }

  public static void main(String[] arguments) throws Exception {
    AsynchronousServerSocketChannel server = AsynchronousServerSocketChannel.open();
    server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    int port = ((InetSocketAddress) server.getLocalAddress()).getPort();
    for (int i = 0; i < 5; i++) {
      try (Socket client = new Socket(InetAddress.getLoopbackAddress(), port)) {
        client.getOutputStream().write(7);
      }
      AsynchronousSocketChannel channel = server.accept().get(); // LEAK-OPEN
      KEPT.add(channel);
      readNext(channel);
    }
    ENDED.await();
    Corpus.outliveGrace();
    Corpus.done();
    Runtime.getRuntime().halt(0);
  }
}
