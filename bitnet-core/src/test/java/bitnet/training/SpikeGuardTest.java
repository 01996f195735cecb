package bitnet.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import bitnet.training.SpikeGuard.Action;
import bitnet.training.SpikeGuard.State;
import bitnet.training.SpikeGuard.Verdict;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SpikeGuardTest {
  /// Of these four: mean 3, standard deviation 1. A spike at 4 deviations is above 7.
  private static final State SETTLED = new State(List.of(2.0, 4.0, 2.0, 4.0), 0, 0);

  private final SpikeGuard guard = new SpikeGuard(4, 4, 3);

  @ParameterizedTest
  @CsvSource({
    "NaN, 1, the loss is NaN",
    "Infinity, 1, the loss is Infinity",
    "-Infinity, 1, the loss is -Infinity",
    "3, NaN, the gradient norm is NaN",
    "3, Infinity, the gradient norm is Infinity",
    "7.01, 1, the loss 7.0100 is a spike (the last 4 allow 7.0000)",
  })
  void aBrokenStepIsSkippedWithAReason(double loss, double gradNorm, String reason) {
    Verdict verdict = guard.check(SETTLED, loss, gradNorm);
    assertThat(verdict.action()).isEqualTo(Action.SKIP);
    assertThat(verdict.reason()).isEqualTo(reason);
    assertThat(verdict.next()).isEqualTo(new State(SETTLED.losses(), 1, 1));
  }

  @ParameterizedTest
  @CsvSource({"7, 1", "0, 0", "3, 1e30", "-5, 1"})
  void aSoundStepIsAcceptedAndRemembered(double loss, double gradNorm) {
    Verdict verdict = guard.check(new State(SETTLED.losses(), 2, 5), loss, gradNorm);
    assertThat(verdict.action()).isEqualTo(Action.ACCEPT);
    assertThat(verdict.next()).isEqualTo(new State(List.of(4.0, 2.0, 4.0, loss), 0, 5));
  }

  @Test
  void nothingIsASpikeBeforeTheWindowIsFull() {
    State young = new State(List.of(3.0, 3.0, 3.0), 0, 0);
    assertThat(guard.check(young, 1000, 1).action()).isEqualTo(Action.ACCEPT);
    assertThat(guard.check(young, Double.NaN, 1).action()).isEqualTo(Action.SKIP);
  }

  @Test
  void aLossThatStandsStillMayRiseByATenth() {
    State still = new State(List.of(2.0, 2.0, 2.0, 2.0), 0, 0);
    assertThat(guard.check(still, 2.19, 1).action()).isEqualTo(Action.ACCEPT);
    assertThat(guard.check(still, 2.21, 1).action()).isEqualTo(Action.SKIP);
  }

  @Test
  void skippedStepsInARowStopTheRunAndAnAcceptedOneBetweenThemDoesNot() {
    List<Action> actions = new ArrayList<>();
    State state = SETTLED;
    double nan = Double.NaN;
    Verdict verdict = guard.check(state, nan, 1);
    for (double loss : new double[] {nan, nan, 3, nan, nan, nan}) {
      verdict = guard.check(state, loss, 1);
      actions.add(verdict.action());
      state = verdict.next();
    }
    assertThat(actions)
        .containsExactly(
            Action.SKIP, Action.SKIP, Action.ACCEPT, Action.SKIP, Action.SKIP, Action.STOP);
    assertThat(verdict.reason())
        .isEqualTo(
            "the loss is NaN; 3 steps in a row were skipped:"
                + " resume with a lower `lr` or a longer `warmup`");
    assertThat(state.skipped()).isEqualTo(5);
  }

  @Test
  void infiniteDeviationsLetEveryFiniteLossPass() {
    SpikeGuard lenient = new SpikeGuard(4, Double.POSITIVE_INFINITY, 3);
    assertThat(lenient.check(SETTLED, 1e30, 1).action()).isEqualTo(Action.ACCEPT);
    State still = new State(List.of(2.0, 2.0, 2.0, 2.0), 0, 0);
    assertThat(lenient.check(still, 1e30, 1).action()).isEqualTo(Action.ACCEPT);
  }

  @Test
  void theDefaultSkipsNothingInAFallingNoisyRun() {
    State state = State.start();
    Random noise = new Random(1);
    for (int step = 0; step < 2000; step++) {
      double loss = 1.6 + 4 * Math.exp(-step / 200.0) + 0.1 * noise.nextGaussian();
      Verdict verdict = SpikeGuard.DEFAULT.check(state, loss, 1);
      assertThat(verdict.action()).isEqualTo(Action.ACCEPT);
      state = verdict.next();
    }
    assertThat(state.losses()).hasSize(100);
  }

  @Test
  void theStateSurvivesJsonBitForBit() throws Exception {
    State state = new State(List.of(0.1, 1.0 / 3, Math.nextUp(2.5)), 2, 7);
    SmoothedLoss smoothed = SmoothedLoss.start().add(0.1).add(1.0 / 3);
    ObjectMapper json = new ObjectMapper();
    assertThat(json.readValue(json.writeValueAsString(state), State.class)).isEqualTo(state);
    assertThat(json.readValue(json.writeValueAsString(smoothed), SmoothedLoss.class))
        .isEqualTo(smoothed);
  }

  @Test
  void numbersThatCannotBeAreRefused() {
    assertThatIllegalArgumentException().isThrownBy(() -> new SpikeGuard(1, 10, 10));
    assertThatIllegalArgumentException().isThrownBy(() -> new SpikeGuard(10, 0, 10));
    assertThatIllegalArgumentException().isThrownBy(() -> new SpikeGuard(10, Double.NaN, 10));
    assertThatIllegalArgumentException().isThrownBy(() -> new SpikeGuard(10, 10, 0));
  }
}
