import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CyclicBarrier;

/** Two threads lock two monitors, each in its own order. */
public class Monitors {
  private static final Object A = new Object();
  private static final Object B = new Object();
  private static final CyclicBarrier BOTH = new CyclicBarrier(2);

  public static void main(String[] arguments) throws Exception {
    Thread first = new Thread(() -> lock(A, B));
    Thread second = new Thread(() -> lock(B, A));
    first.start();
    second.start();
    first.join();
  }

  private static void lock(Object one, Object other) {
    synchronized (one) {
      try {
        BOTH.await();
        Files.write(Path.of(System.getenv("STUCK")), new byte[0]);
      } catch (Exception exception) {
        throw new RuntimeException(exception);
      }
      synchronized (other) {
        System.out.println("not reached");
      }
    }
  }
}
