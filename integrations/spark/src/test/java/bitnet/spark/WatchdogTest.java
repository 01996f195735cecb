package bitnet.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class WatchdogTest {
  private final CountDownLatch ended = new CountDownLatch(1);

  @Test
  void itEndsWhatDoesNothing() throws InterruptedException {
    try (Watchdog _ = new Watchdog(Duration.ofMillis(50), ended::countDown)) {
      assertThat(ended.await(30, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void itLeavesAloneWhatIsClosedAndWhatHasNoLimit() throws InterruptedException {
    new Watchdog(Duration.ofMillis(300), ended::countDown).close();
    try (Watchdog _ = new Watchdog(Duration.ZERO, ended::countDown)) {
      assertThat(ended.await(600, TimeUnit.MILLISECONDS)).isFalse();
    }
  }
}
