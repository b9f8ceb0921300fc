import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SocketChannel;

/** Prints how long the first TCP socket took, and each read() that told the end of a connection, in nanoseconds. */
public final class Eof {
  private static long handle(Socket connection) throws IOException {
    try (connection) {
      long began = System.nanoTime();
      connection.getInputStream().read();
      return System.nanoTime() - began;
    }
  }

  public static void main(String[] arguments) throws IOException {
    DatagramChannel.open().close(); // loads what sockets need; no stack is taken of datagrams
    long start = System.nanoTime();
    SocketChannel first = SocketChannel.open();
    System.out.println(System.nanoTime() - start);
    try (ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
      for (int i = 0; i < Integer.parseInt(arguments[0]); i++) {
        new Socket(server.getInetAddress(), server.getLocalPort()).close();
        System.out.println(handle(server.accept()));
      }
    }
  }
}
