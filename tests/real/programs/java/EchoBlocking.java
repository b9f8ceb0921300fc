import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;

/** Blocking sockets on both sides, a thread per connection: 20 clients. */
public final class EchoBlocking {
  private static final int CLIENTS = 20;

  private static void echo(Socket socket) {
    try (socket) {
      InputStream in = socket.getInputStream();
      byte[] buffer = new byte[1024];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        socket.getOutputStream().write(buffer, 0, n);
      }
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void serve(ServerSocket listener) {
    try {
      List<Thread> threads = new ArrayList<>();
      for (int i = 0; i < CLIENTS; i++) {
        Socket socket = listener.accept();
        Thread thread = new Thread(() -> echo(socket));
        thread.start();
        threads.add(thread);
      }
      for (Thread thread : threads) thread.join();
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String ask(int port, String question) throws IOException {
    try (Socket client = new Socket(InetAddress.getLoopbackAddress(), port)) {
      client.getOutputStream().write(question.getBytes("US-ASCII"));
      client.shutdownOutput();
      return new String(client.getInputStream().readAllBytes(), "US-ASCII");
    }
  }

  public static void main(String[] arguments) throws Exception {
    int right = 0;
    try (ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      Thread server = new Thread(() -> serve(listener));
      server.start();
      for (int i = 0; i < CLIENTS; i++) {
        String question = "question " + i;
        if (ask(listener.getLocalPort(), question).equals(question)) right++;
      }
      server.join();
    }
    System.out.println("done " + right);
  }
}
