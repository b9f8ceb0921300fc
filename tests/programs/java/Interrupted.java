import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;

/**
 * Closes 10 sockets while another thread waits in read(): the JDK puts a dead descriptor over each before it closes
 * the number. In between it starts a child.
 */
public final class Interrupted {
  private static final int CLIENTS = 10;

  private static void read(Socket connection) {
    try {
      connection.getInputStream().read();
      System.exit(1);
    } catch (IOException closed) {
      return;
    }
  }

  private static Thread inRead(Socket connection) throws InterruptedException {
    Thread reader = new Thread(() -> read(connection));
    reader.start();
    while (!isReading(reader)) Thread.onSpinWait();
    return reader;
  }

  private static boolean isReading(Thread thread) {
    for (StackTraceElement each : thread.getStackTrace()) {
      if (each.isNativeMethod()) return true;
    }
    return false;
  }

  public static void main(String[] arguments) throws Exception {
    List<Socket> clients = new ArrayList<>();
    try (ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
      for (int i = 0; i < CLIENTS; i++) {
        clients.add(new Socket(server.getInetAddress(), server.getLocalPort()));
        Socket connection = server.accept();
        Thread reader = inRead(connection);
        connection.close();
        reader.join();
        if (i % 3 == 0 && new ProcessBuilder("/bin/true").start().waitFor() != 0) System.exit(1);
      }
      for (Socket each : clients) each.close();
    }
    System.out.println("done");
    System.out.flush();
  }
}
