package bitnet.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RecordPackingTest {
  private static final int NONE = TokenBatch.NO_TARGET;

  @TempDir private Path directory;

  private TextDataset open(String text, TextFormat format, LossMask mask) throws IOException {
    Path file = Files.writeString(directory.resolve("text"), text);
    return TextDataset.open(
        file, format, BadRecordPolicy.STOP, mask, Packing.RECORDS, ByteTokens.WITH_END, directory);
  }

  private static RecordPacking packing(TextDataset dataset, int seq) {
    return new RecordPacking("training text", dataset.tokens(), 1, seq);
  }

  /// The inputs of a batch by row, an end of text as `|`, padding as `.`.
  private static List<String> rows(TokenBatch batch) {
    List<String> rows = new ArrayList<>();
    for (int row = 0; row < batch.batch(); row++) {
      StringBuilder text = new StringBuilder();
      for (int i = row * batch.seq(); i < (row + 1) * batch.seq(); i++) {
        int input = batch.inputs()[i];
        boolean padding = input == 0 && batch.targets()[i] == NONE;
        text.append(padding ? '.' : input == ByteTokens.END ? '|' : (char) input);
      }
      rows.add(text.toString());
    }
    return rows;
  }

  private static List<String> windows(RecordPacking packing) {
    List<String> windows = new ArrayList<>();
    packing.inOrder(2).forEach(batch -> windows.addAll(rows(batch)));
    return windows;
  }

  @Test
  void eachRecordGoesToTheFullestWindowThatHoldsItFromTheLongestOn() throws IOException {
    // 8 inputs a window; a record of n letters and its end has n: abcde 5, fg 2, hij 3, kl 2, mn 2;
    // hij fills abcde's window, then fg, kl and mn share one
    try (TextDataset dataset = open("abcde\nfg\nhij\nkl\nmn\n", TextFormat.LINES, LossMask.NONE)) {
      RecordPacking packing = packing(dataset, 8);

      assertThat(windows(packing)).containsExactly("abcdehij", "fgklmn..");
      assertThat(packing.summary())
          .isEqualTo("5 records in 2 windows of 8 tokens, 87.5% full"); // 14 of 16
    }
  }

  @Test
  void targetsPositionsAndAttentionStayInsideOfARecord() throws IOException {
    try (TextDataset dataset = open("ab\nc\n", TextFormat.LINES, LossMask.NONE)) {
      TokenBatch batch = packing(dataset, 4).inOrder(1).iterator().next();

      assertThat(batch.inputs()).containsExactly('a', 'b', 'c', 0);
      assertThat(batch.targets()).containsExactly('b', ByteTokens.END, ByteTokens.END, NONE);
      assertThat(batch.positions()).containsExactly(0, 1, 0, 0);
      float no = -1e9f;
      assertThat(batch.attentionMask())
          .containsExactly(
              0, no, no, no, //
              0, 0, no, no, //
              no, no, 0, no, //
              no, no, no, 0);
    }
  }

  @Test
  void maskedPromptsAreNoTargets() throws IOException {
    String prompt = QaTemplate.prompt("?");
    String record = "{\"query\":\"?\",\"answer\":\"yes\"}\n";
    int inputs = prompt.length() + 3;
    try (TextDataset dataset = open(record.repeat(2), TextFormat.JSONL, LossMask.PROMPTS)) {
      TokenBatch batch = packing(dataset, 2 * inputs).inOrder(1).iterator().next();

      int[] targets = new int[2 * inputs];
      Arrays.fill(targets, NONE);
      for (int end : new int[] {inputs, 2 * inputs}) {
        int[] answer = {'y', 'e', 's', ByteTokens.END};
        System.arraycopy(answer, 0, targets, end - answer.length, answer.length);
      }
      assertThat(batch.targets()).containsExactly(targets);
    }
  }

  @Test
  void recordLongerThanAWindowLosesItsEndAndEmptyOnesAreLeftOut() throws IOException {
    String records = "{\"text\":\"abcdefgh\"}\n{\"text\":\"xy\"}\n";
    try (TextDataset dataset = open(records, TextFormat.JSONL, LossMask.NONE)) {
      RecordPacking packing = packing(dataset, 5);

      assertThat(windows(packing)).containsExactly("abcde", "xy...");
      TokenBatch first = packing.inOrder(1).iterator().next();
      assertThat(first.targets()).containsExactly('b', 'c', 'd', 'e', 'f');
      assertThat(packing.summary()).endsWith("; 1 are longer and lose their end");
    }
  }

  @Test
  void manyRecordsStandWholeInExactlyOneWindow() throws IOException {
    Random random = new Random(5);
    StringBuilder text = new StringBuilder();
    Set<String> records = new HashSet<>();
    while (records.size() < 500) {
      StringBuilder record = new StringBuilder();
      for (int left = 4 + random.nextInt(13); left > 0; left--) {
        record.append((char) ('a' + random.nextInt(26)));
      }
      if (records.add(record.toString())) {
        text.append(record).append('\n');
      }
    }
    try (TextDataset dataset = open(text.toString(), TextFormat.LINES, LossMask.NONE)) {
      RecordPacking packing = packing(dataset, 32);
      List<String> found = new ArrayList<>();
      for (TokenBatch batch : packing.inOrder(3)) {
        TreeMap<Integer, StringBuilder> byStart = new TreeMap<>();
        for (int i = 0; i < batch.inputs().length; i++) {
          if (batch.inputs()[i] != 0) {
            int start = i / batch.seq() * batch.seq() + batch.starts()[i];
            byStart
                .computeIfAbsent(start, ignored -> new StringBuilder())
                .append((char) batch.inputs()[i]);
          }
        }
        byStart.values().forEach(record -> found.add(record.toString()));
      }
      assertThat(found).hasSize(500);
      assertThat(new HashSet<>(found)).isEqualTo(records);
      int inputs = records.stream().mapToInt(String::length).sum();
      assertThat(packing.windows()).isLessThanOrEqualTo((inputs + 31) / 32 + 3);
    }
  }

  @ParameterizedTest
  @EnumSource(WindowSampling.class)
  void batchIsAFunctionOfTheStateAndAnEpochShowsEveryWindowOnce(WindowSampling sampling)
      throws IOException {
    try (TextDataset dataset =
        open("aaaa\nbbbb\ncccc\ndddd\neeee\n", TextFormat.LINES, LossMask.NONE)) {
      RecordPacking packing = packing(dataset, 5);
      List<String> drawn = new ArrayList<>();
      for (SamplerState at = SamplerState.start(3); at.drawn() < 10; at = at.after(5)) {
        TokenBatch batch = packing.batch(at, sampling, 5);
        assertThat(rows(batch)).isEqualTo(rows(packing(dataset, 5).batch(at, sampling, 5)));
        drawn.addAll(rows(batch));
      }
      if (sampling == WindowSampling.EPOCH) {
        List<String> all = windows(packing);
        assertThat(drawn.subList(0, 5)).containsExactlyInAnyOrderElementsOf(all);
        assertThat(drawn.subList(5, 10)).containsExactlyInAnyOrderElementsOf(all);
      }
    }
  }

  @Test
  void heldOutPartBeginsWithARecord() throws IOException {
    try (TextDataset dataset = open("aaaa\nbbbb\ncc\n", TextFormat.LINES, LossMask.NONE)) {
      TextDataset.Split split = dataset.split(0.5); // token 6 of 13 is in the second record

      assertThat(ByteTokens.text(split.training())).isEqualTo("aaaa|bbbb|");
      assertThat(ByteTokens.text(split.heldOut())).isEqualTo("cc|");
      assertThat(windows(new RecordPacking("text", split.heldOut(), 1, 4))).containsExactly("cc..");
      assertThat(RecordPacking.hasWindow(dataset.split(0.1).heldOut())).isFalse();
    }
  }

  @Test
  void textWithoutRecordsIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> open("a\nb", TextFormat.DOCUMENT, LossMask.NONE))
        .withMessageContaining("packing records needs examples")
        .withMessageContaining("use `packing` stream");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new RecordPacking("training text", TokenStream.of(1, 2, 3), 1, 2))
        .withMessageContaining("the training text has 0 records");
  }

  @Test
  void digestTellsWhereRecordsBegin() throws IOException {
    String digest;
    try (TextDataset one = open("{\"text\":\"ab\"}\n", TextFormat.JSONL, LossMask.NONE)) {
      digest = one.tokens().digest();
    }
    try (TextDataset same = open("ab\n", TextFormat.LINES, LossMask.NONE)) {
      assertThat(same.tokens().digest()).isEqualTo(digest);
      TokenStream unknown = TokenStream.of('a', 'b', ByteTokens.END);
      assertThat(unknown.digest()).isNotEqualTo(digest);
    }
  }

  @Test
  void shardsTogetherAreTheTextAndRecordsStayWhole() throws IOException {
    try (TextDataset dataset =
        open("abcde\nfg\nhij\nkl\nmnopqrstu\n", TextFormat.LINES, LossMask.NONE)) {
      TokenStream tokens = dataset.tokens();
      int records = 0;
      long size = 0;
      for (int shard = 0; shard < 3; shard++) {
        TokenStream part = tokens.shard(shard, 3);
        assertThat(part.size() == 0 || tokens.at(size + part.size() - 1) == ByteTokens.END)
            .isTrue();
        assertThat(part.records() == 0 ? 0 : part.recordStart(0)).isZero();
        records += part.records();
        size += part.size();
      }
      assertThat(size).isEqualTo(tokens.size());
      assertThat(records).isEqualTo(5);
    }
  }

  @Test
  void shardsOfATextWithoutRecordsDifferByOneTokenAtMost() {
    TokenStream tokens = TokenStream.of(1, 2, 3, 4, 5, 6, 7);

    assertThat(
            List.of(
                tokens.shard(0, 3).size(), tokens.shard(1, 3).size(), tokens.shard(2, 3).size()))
        .containsExactly(2L, 2L, 3L);
    assertThat(tokens.shard(1, 3).at(0)).isEqualTo(3);
  }
}
