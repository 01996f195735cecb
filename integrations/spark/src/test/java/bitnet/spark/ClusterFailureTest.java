package bitnet.spark;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ClusterFailureTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Task 1 in stage 3.0 failed 4 times, most recent failure: Lost task 1.3 in stage 3.0 (TID"
            + " 6) (10.0.0.7 executor 2): java.io.UncheckedIOException:"
            + " bitnet.storage.WriteFailure: /x/y: cannot be written: No space left on device |"
            + " /x/y: cannot be written: No space left on device (10.0.0.7, executor 2)",
        "Task 0 in stage 1.0 failed 4 times, most recent failure: Lost task 0.3 in stage 1.0 (TID"
            + " 9) (host executor 5): ExecutorLostFailure (executor 5 exited caused by one of the"
            + " running tasks) Reason: Command exited with code 137 | ExecutorLostFailure (executor"
            + " 5 exited caused by one of the running tasks) Reason: Command exited with code 137"
            + " (host, executor 5)",
        "Job 0 cancelled because SparkContext was shut down"
            + " | Job 0 cancelled because SparkContext was shut down",
      })
  void aFailureOfATaskIsToldByWhatItThrew(String ofSpark, String said) {
    assertThat(Cluster.shortened(ofSpark)).isEqualTo(said);
  }
}
