package bitnet.grpo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import bitnet.generation.FinishReason;
import bitnet.generation.RandomStream;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Guiding prompts, verifiers and the buffer.
class SelfCorrectionPartsTest {
  @TempDir private Path directory;

  private static ReplayBuffer.Entry entry(int number) {
    return new ReplayBuffer.Entry(
        new int[] {number},
        new int[] {1, 2},
        new double[] {-0.1, -1.0 / 3},
        new int[0][],
        new double[] {0.5, 0.5},
        3);
  }

  private static Verifier.Correction correction(String corrected, double before, double after) {
    return new Verifier.Correction("1+1=", "2", "3", corrected, before, after);
  }

  @Test
  void phrasesComeFromTextLinesOrJson() throws IOException {
    Path lines = Files.writeString(directory.resolve("a.txt"), "Check.\n\nAre you sure?\n");
    Path json = Files.writeString(directory.resolve("a.json"), "[\"Check.\", \"Are you sure?\"]");

    assertThat(GuidingPrompts.phrases("Look again.")).containsExactly("Look again.");
    assertThat(GuidingPrompts.phrases(lines.toString())).containsExactly("Check.", "Are you sure?");
    assertThat(GuidingPrompts.read(json)).containsExactly("Check.", "Are you sure?");
    Path bad = Files.writeString(directory.resolve("b.json"), "[\"Check.\", 2]");
    assertThatThrownBy(() -> GuidingPrompts.read(bad)).hasMessageContaining("element 2");
  }

  @Test
  void oneFileWithOnePhraseStandsForThePhrase() throws IOException {
    Path one = Files.writeString(directory.resolve("one.txt"), "Check.\n");
    Path two = Files.writeString(directory.resolve("two.txt"), "Check.\nAre you sure?\n");

    assertThat(GuidingPrompts.phrase("Look again.")).isEqualTo("Look again.");
    assertThat(GuidingPrompts.phrase(one.toString())).isEqualTo("Check.");
    assertThatThrownBy(() -> GuidingPrompts.phrase(two.toString()))
        .hasMessage(two + ": has 2 guiding prompts, but one is used for all answers; give the one");
  }

  private static List<String> chosen(GuidingPrompts prompts, int count) {
    RandomStream random = new RandomStream(1, 2);
    return IntStream.range(0, count).mapToObj(i -> prompts.choose(0, random, i)).toList();
  }

  /// 1 and 4 of 5 parts; three standard deviations of a share of 4000 draws are 76.
  @Test
  void phrasesAreDrawnByTheirNormalizedWeights() {
    GuidingPrompts drawn =
        GuidingPrompts.of(List.of("a", "b", "c")).withProbabilities(List.of(0.05, 0.0, 0.2));

    List<String> many = chosen(drawn, 4000);

    assertThat((double) many.stream().filter("a"::equals).count()).isCloseTo(800, offset(76.0));
    assertThat(many).doesNotContain("b");
    assertThat(chosen(drawn.withProbabilities(List.of(1.0, 0.0, 4.0)), 4000)).isEqualTo(many);
    assertThat(chosen(drawn.withProbabilities(List.of(0.33, 0.33, 0.33)), 100))
        .contains("a", "b", "c");
  }

  @Test
  void theScheduleNamesThePhraseOfEachStepWhateverTheProbabilities() {
    RandomStream random = new RandomStream(1, 2);
    GuidingPrompts taken =
        GuidingPrompts.of(List.of("a", "b", "c"))
            .withProbabilities(List.of(1.0, 0.0, 0.0))
            .withSchedule(List.of(0, 2, 1, 1));

    assertThat(LongStream.range(0, 6).mapToObj(step -> taken.choose(step, random, 7)))
        .containsExactly("a", "c", "b", "b", "a", "c");
    assertThat(taken.withProbabilities(List.of(-1.0))).isEqualTo(taken);
    assertThat(GuidingPrompts.of(List.of("a", "b")).inTurn().schedule()).containsExactly(0, 1);
  }

  @Test
  void guidingPromptsThatCannotBeMeantAreRefused() {
    GuidingPrompts two = GuidingPrompts.of(List.of("a", "b"));

    assertThatThrownBy(() -> two.withProbabilities(List.of(1.0)))
        .hasMessage(
            "1 guiding_probabilities [1.0] do not match 2 guiding prompts; give one for each");
    for (List<Double> weights :
        List.of(
            List.of(0.5, -0.1),
            List.of(Double.NaN, 1.0),
            List.of(0.0, 0.0),
            List.of(Double.POSITIVE_INFINITY, 1.0))) {
      assertThatThrownBy(() -> two.withProbabilities(weights))
          .hasMessage(
              "guiding_probabilities %s are not weights; use finite numbers from 0, at least one above 0"
                  .formatted(weights));
    }
    assertThatThrownBy(() -> two.withSchedule(List.of(0, 2)))
        .hasMessage(
            "guiding_schedule has the index 2, but there are 2 guiding prompts; use indices from 0 to 1");
    assertThatThrownBy(() -> GuidingPrompts.of(List.of("a")).withSchedule(List.of(-1)))
        .hasMessage("guiding_schedule has the index -1, but there is 1 guiding prompt; use 0");
    assertThatThrownBy(() -> GuidingPrompts.of(List.of("a", " ")))
        .hasMessage(
            "guiding_prompt is blank; give a phrase like \"Review and correct the answer:\"");
    assertThatThrownBy(() -> GuidingPrompts.of(List.of())).hasMessageContaining("is empty");
  }

  /// The hashes of the texts that version 0.1.0 wrote, `GuidingPrompts[phrases=[...], ...]`; the
  /// first is in the fixture of its run.
  @Test
  void runsOfVersion010KeepTheirPrompts() {
    String former = "ead515f1";

    assertThat(GuidingPrompts.defaults(Map.of("guiding_prompt", former)).phrases())
        .containsExactly(" Check this and answer again.");
    assertThat(GuidingPrompts.defaults(Map.of("guiding_prompt", former)).digest())
        .isEqualTo(former);
    assertThat(GuidingPrompts.defaults(Map.of()).phrases())
        .containsExactly("Review and correct the answer:");
    assertThat(GuidingPrompts.of(List.of("a", "b")).inTurn().digest())
        .isEqualTo(
            "%08x"
                .formatted(
                    "GuidingPrompts[phrases=[a, b], probabilities=[], scheduled=true]".hashCode()))
        .isNotEqualTo(GuidingPrompts.of(List.of("a", "b")).withSchedule(List.of(1, 0)).digest());
  }

  @Test
  void verifiersLookAtTheAnswerOrTheReward() {
    Verifier either = new VerifierSpec(VerifierSpec.DEFAULT, 0.2).open();
    Verifier answer = new VerifierSpec("answer", 0.2).open();
    Verifier reward = new VerifierSpec("reward", 0.2).open();

    assertThat(either.accepts(correction("2", 0.5, 0.5))).isTrue();
    assertThat(either.accepts(correction("4", 0.5, 0.71))).isTrue();
    assertThat(either.accepts(correction("4", 0.5, 0.69))).isFalse();
    assertThat(answer.accepts(correction("4", 0, 1))).isFalse();
    assertThat(reward.accepts(correction("2", 0.5, 0.5))).isFalse();
    assertThatThrownBy(() -> new VerifierSpec("best", 0).open())
        .hasMessageContaining("answer_or_reward, answer, reward");
  }

  @Test
  void theBufferForgetsItsOldestAndDrawsDifferentOnes() {
    ReplayBuffer buffer =
        ReplayBuffer.EMPTY
            .with(List.of(entry(1), entry(2)), 3)
            .with(List.of(entry(3), entry(4)), 3);

    assertThat(buffer.entries()).extracting(each -> each.prompt()[0]).containsExactly(2, 3, 4);
    assertThat(buffer.draw(2, new RandomStream(0, 0))).hasSize(2).doesNotHaveDuplicates();
    assertThat(buffer.draw(9, new RandomStream(0, 0)))
        .extracting(each -> each.prompt()[0])
        .containsExactlyInAnyOrder(2, 3, 4);
  }

  @Test
  void theStateIsTheSameAfterAWayThroughJson() throws IOException {
    ObjectMapper mapper = new ObjectMapper();
    GrpoState state =
        GrpoState.start(7, Map.of("lr", "1e-3"))
            .with(ReplayBuffer.EMPTY.with(List.of(entry(1)), 3))
            .next(4);

    GrpoState read = mapper.readValue(mapper.writeValueAsString(state), GrpoState.class);

    assertThat(read).usingRecursiveComparison().isEqualTo(state);
  }

  private static Rollout answer(String text, double reward, boolean correct) {
    return new Rollout(
        new int[] {1},
        new int[] {2, 3},
        Rollout.Sampled.of(-0.5, -0.25),
        FinishReason.EOS,
        text,
        new RolloutReward(reward, new double[] {reward}, new double[] {reward, reward}, correct),
        null);
  }

  private static Corrections corrections() {
    Verifier verifier = new VerifierSpec("answer", 0).open();
    return Corrections.of(
        List.of(
            new Group(
                "1+1=",
                "2",
                answer("3", 0.25, false),
                List.of(answer("2", 1, true), answer("5", 0, false))),
            new Group(
                "2+2=",
                "4",
                answer("4", 1, true),
                List.of(answer("4", 1, true), answer("9", 0, false)))),
        verifier);
  }

  @Test
  void firstAnswerWithoutCorrectionsStandsAndIsCounted() {
    Corrections some = corrections();
    List<Group> groups = new ArrayList<>(some.groups());
    groups.add(new Group("3+3=", "6", answer("6", 1, true), List.of()));
    Corrections all = Corrections.of(groups, new VerifierSpec("answer", 0).open());
    SequencedMap<String, Double> row = new LinkedHashMap<>();

    GrpoMetrics.putCorrections(row, all, 2);

    // six corrections' worth: 3 and 4 of two each are as they were, 6 counts twice as right
    assertThat(row)
        .containsEntry("t1", 4 / 6.0)
        .containsEntry("t2", 4 / 6.0)
        .containsEntry("incorrect_to_correct", 1 / 6.0)
        .containsEntry("correct_to_incorrect", 1 / 6.0)
        .containsEntry("prompt_too_long", 1 / 3.0)
        .containsEntry("accepted_ratio", 2 / 6.0);
  }

  private static Corrections learned(CorrectionAdvantage advantage) {
    return SelfCorrection.withAdvantages(
        corrections(), advantage, GrpoSettings.AdvantageSettings.of(RewardScaling.NONE), false);
  }

  @ParameterizedTest
  @CsvSource({
    "IMPROVED, '0.75, 0, 0, 0'",
    "SIGNED, '0.75, -0.25, 0, -1'",
    "GROUP, '0.5, -0.5, 0.5, -0.5'",
  })
  void theAdvantageOfACorrectionIsItsRiseOrRelativeToItsGroup(
      CorrectionAdvantage advantage, String expected) {
    double[] values =
        Arrays.stream(expected.split(", ")).mapToDouble(Double::parseDouble).toArray();

    assertThat(
            GrpoMetrics.rollouts(learned(advantage).groups()).stream()
                .mapToDouble(rollout -> rollout.learnable().values()[1]))
        .containsExactly(values[0], values[1], values[2], values[3]);
  }

  @Test
  void bothWaysBetweenCorrectAndIncorrectAreCounted() {
    SequencedMap<String, Double> row = new LinkedHashMap<>();

    corrections().put(row, "");

    assertThat(row)
        .containsEntry("t1", 0.5)
        .containsEntry("t2", 0.5)
        .containsEntry("incorrect_to_correct", 0.25)
        .containsEntry("correct_to_incorrect", 0.25);
  }

  @Test
  void onlyAcceptedCorrectionsWithAHigherRewardAreRemembered() {
    for (CorrectionAdvantage advantage : CorrectionAdvantage.values()) {
      List<ReplayBuffer.Entry> successes = SelfCorrection.successes(learned(advantage), 7);

      assertThat(successes).hasSize(1);
      assertThat(successes.getFirst().advantages()).containsExactly(0.75, 0.75);
      assertThat(successes.getFirst().step()).isEqualTo(7);
      Rollout replayed = successes.getFirst().rollout();
      assertThat(replayed.samplerLogProbabilities()).containsExactly(-0.5, -0.25);
      assertThat(replayed.learnable().values()).containsExactly(0.75, 0.75);
    }
  }

  @Test
  void aTruncatedCorrectionThatIsMaskedIsNotRememberedEither() {
    Rollout second =
        new Rollout(
            new int[] {1},
            new int[] {2, 3},
            Rollout.Sampled.of(-0.5, -0.25),
            FinishReason.LENGTH,
            "2",
            new RolloutReward(1, new double[] {1}, new double[] {1, 1}, true),
            null);
    Corrections some =
        Corrections.of(
            List.of(new Group("1+1=", "2", answer("3", 0, false), List.of(second))),
            new VerifierSpec("answer", 0).open());

    assertThat(SelfCorrection.successes(masked(some, true), 0)).isEmpty();
    assertThat(SelfCorrection.successes(masked(some, false), 0)).hasSize(1);
  }

  private static Corrections masked(Corrections corrections, boolean maskTruncated) {
    return SelfCorrection.withAdvantages(
        corrections,
        CorrectionAdvantage.IMPROVED,
        GrpoSettings.AdvantageSettings.of(RewardScaling.NONE),
        maskTruncated);
  }

  @Test
  void theBufferForgetsWhatIsTooOldAndReadsEntriesOfTheFirstVersion() throws IOException {
    ReplayBuffer buffer = ReplayBuffer.EMPTY.with(List.of(entry(1)), 3);
    String former =
        """
        {"prompt": [1], "response": [2, 3], "oldLogProbabilities": [-1, -2], "advantage": 0.5}
        """;

    assertThat(buffer.since(3).entries()).hasSize(1);
    assertThat(buffer.since(4).entries()).isEmpty();
    assertThat(ReplayBuffer.meanAge(buffer.entries(), 10)).isEqualTo(7);
    ReplayBuffer.Entry read = new ObjectMapper().readValue(former, ReplayBuffer.Entry.class);
    assertThat(read.advantages()).containsExactly(0.5, 0.5);
    assertThat(read.candidates()).isEmpty();
    assertThat(read.rollout().length()).isEqualTo(2);
  }

  @Test
  void theFirstThreeAcceptedCorrectionsAreLoggedAsTexts() {
    assertThat(corrections().texts())
        .containsExactlyInAnyOrderEntriesOf(Map.of("corrected_1", "2", "corrected_2", "4"));
    List<Group> groups = corrections().groups();
    assertThat(
            Corrections.of(
                    List.of(groups.get(1), groups.get(0), groups.get(1), groups.get(1)),
                    correction -> true)
                .texts())
        .containsExactlyInAnyOrderEntriesOf(
            Map.of("corrected_1", "4", "corrected_2", "9", "corrected_3", "2"));
    assertThat(Corrections.of(groups, correction -> false).texts()).isEmpty();
  }
}
