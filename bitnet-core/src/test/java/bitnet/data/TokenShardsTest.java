package bitnet.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bitnet.tokenizer.ChatTemplate;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenShardsTest {
  private static final List<String> DOCUMENTS = List.of("one", "fourteen", "of", "", "seven");
  private static final int SHARD_TOKENS = 7;

  @TempDir private Path directory;

  private static TokenEncoding encoding(String digest) {
    return new TokenEncoding(
        ByteTokens::encode,
        OptionalInt.of(ByteTokens.END),
        257,
        ChatTemplate.plain(),
        () -> digest);
  }

  private static byte[] bytes(int width, int... values) {
    ByteBuffer bytes = ByteBuffer.allocate(values.length * width).order(ByteOrder.LITTLE_ENDIAN);
    for (int value : values) {
      if (width == Integer.BYTES) {
        bytes.putInt(value);
      } else {
        bytes.putShort((short) value);
      }
    }
    return bytes.array();
  }

  /// Shards as docs/formats.md describes them, cut without regard to documents.
  private Path shards(int width) throws IOException {
    Path shards = Files.createDirectories(directory.resolve("shards"));
    List<Integer> tokens = new ArrayList<>();
    List<Integer> starts = new ArrayList<>();
    for (String document : DOCUMENTS) {
      starts.add(tokens.size());
      IntStream.of(ByteTokens.encode(document)).forEach(tokens::add);
      tokens.add(ByteTokens.END);
    }
    List<ShardManifest.Shard> list = new ArrayList<>();
    for (int from = 0; from < tokens.size(); from += SHARD_TOKENS) {
      int begin = from;
      int end = Math.min(tokens.size(), from + SHARD_TOKENS);
      int[] lengths =
          IntStream.range(0, starts.size())
              .filter(i -> starts.get(i) >= begin && starts.get(i) < end)
              .map(i -> DOCUMENTS.get(i).length() + 1)
              .toArray();
      String name = list.size() + ".bin";
      int[] ids = tokens.subList(from, end).stream().mapToInt(Integer::intValue).toArray();
      Files.write(shards.resolve("t" + name), bytes(width, ids));
      Files.write(shards.resolve("l" + name), bytes(Integer.BYTES, lengths));
      list.add(
          new ShardManifest.Shard("t" + name, end - from, "0", "l" + name, lengths.length, "0"));
    }
    new ShardManifest(
            "this",
            257,
            OptionalInt.of(ByteTokens.END),
            width,
            SHARD_TOKENS,
            DOCUMENTS.size(),
            18,
            new ShardManifest.Origin("corpus", 0, "none", 0, 0, 0, 0),
            list)
        .write(shards);
    return shards;
  }

  private static TextDataset open(Path shards, Packing packing, String digest) throws IOException {
    return TextDataset.open(
        shards,
        null,
        BadRecordPolicy.STOP,
        LossMask.NONE,
        packing,
        encoding(digest),
        shards.resolve("none"));
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 4})
  void theStreamGoesOverTheEndsOfShards(int width) throws IOException {
    try (TextDataset dataset = open(shards(width), Packing.STREAM, "this")) {
      TokenStream tokens = dataset.tokens();

      assertThat(ByteTokens.text(tokens)).isEqualTo("one|fourteen|of||seven|");
      assertThat(ByteTokens.text(tokens.part(5, 16))).isEqualTo("ourteen|of|");
      assertThat(IntStream.range(0, 23).map(tokens::at).filter(id -> id == ByteTokens.END))
          .hasSize(5);
      assertThat(dataset.report().summary()).isEqualTo("5 examples, 23 tokens, 18 bytes");
      assertThat(dataset.report().lengths().summary(5))
          .isEqualTo("1 to 9 tokens, median 4, 99% of at most 9; 2 longer than 5");
    }
  }

  @ParameterizedTest
  @EnumSource(Packing.class)
  void windowsAreThoseOfTheSameTokensInOneFile(Packing packing) throws IOException {
    Path text = directory.resolve("text.jsonl");
    // the empty document is none of a text, so the first three are compared
    Files.writeString(
        text,
        """
        {"text": "one"}
        {"text": "fourteen"}
        {"text": "of"}
        """);
    try (TextDataset shards = open(shards(2), packing, "this");
        TextDataset file =
            TextDataset.open(
                text,
                null,
                BadRecordPolicy.STOP,
                LossMask.NONE,
                packing,
                ByteTokens.WITH_END,
                directory)) {
      assertThat(windows(packing, shards.tokens().part(0, 16)))
          .isEqualTo(windows(packing, file.tokens().part(0, 16)));
    }
  }

  private static List<List<Integer>> windows(Packing packing, TokenStream tokens) {
    Iterable<TokenBatch> batches =
        switch (packing) {
          case STREAM -> new EvaluationBatches(tokens, 2, 4);
          case RECORDS -> new RecordPacking("text", tokens, 2, 4).inOrder(2);
        };
    return StreamSupport.stream(batches.spliterator(), false)
        .map(batch -> IntStream.of(batch.inputs()).boxed().toList())
        .toList();
  }

  @Test
  void theDigestIsOfTheManifestAndThePartWithoutReadingTheTokens() throws IOException {
    Path shards = shards(2);
    String before;
    try (TextDataset dataset = open(shards, Packing.STREAM, "this")) {
      before = dataset.tokens().digest();
      assertThat(dataset.tokens().part(0, 5).digest()).isNotEqualTo(before);
    }
    Path manifest = shards.resolve("manifest.json");
    Files.writeString(manifest, Files.readString(manifest).replace("\"seed\" : 0", "\"seed\" : 1"));
    try (TextDataset dataset = open(shards, Packing.STREAM, "this")) {
      assertThat(dataset.tokens().digest()).isNotEqualTo(before);
    }
  }

  @Test
  void theTokensOfAnotherTokenizerAreRefused() throws IOException {
    Path shards = shards(2);

    assertThatThrownBy(() -> open(shards, Packing.STREAM, "other"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "%s holds tokens of another tokenizer (this) than the model's (other); tokenize the"
                + " corpus again with the model's",
            shards);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"format_version\" : 1 | \"format_version\" : 2 | its format_version is not 1",
        "\"bytes_per_token\" : 2 | \"bytes_per_token\" : 3 | its bytes_per_token is neither 2 nor"
            + " 4",
        "\"shard_tokens\" : 7 | \"shard_tokens\" : 0 | it has no shards",
        "\"shard_tokens\" : 7 | \"shard_tokens\" : 8 | shard 0 is not one",
        "\"t0.bin\" | \"../t0.bin\" | shard 0 is not one",
        "\"documents\" : 2 | \"documents\" : -2 | shard 0 is not one",
        "\"shards\" : [ { | \"shards\" : { [ | Unexpected character",
      })
  void aDamagedManifestIsRefused(String from, String to, String reason) throws IOException {
    Path shards = shards(2);
    Path manifest = shards.resolve("manifest.json");
    String text = Files.readString(manifest);
    assertThat(text).contains(from);
    Files.writeString(manifest, text.replace(from, to));

    assertThatThrownBy(() -> open(shards, Packing.STREAM, "this"))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith(
            "%s: not a usable manifest of token shards: %s".formatted(manifest, reason))
        .hasMessageEndingWith("make them again with `bitnet spark tokenize`");
  }

  @Test
  void aShardOfAnotherSizeOrNoneIsRefused() throws IOException {
    Path shards = shards(2);
    Path file = shards.resolve("t1.bin");
    Files.write(file, "abc".getBytes(StandardCharsets.US_ASCII));
    assertThatThrownBy(() -> open(shards, Packing.STREAM, "this"))
        .hasMessage(file + " has 3 bytes, but manifest.json says 14; copy the directory again");

    Files.delete(file);
    assertThatThrownBy(() -> open(shards, Packing.STREAM, "this"))
        .hasMessage(file + " is missing, but manifest.json lists it; copy the directory again");
  }

  @Test
  void lengthsThatDoNotAddUpToTheTokensAreRefused() throws IOException {
    Path shards = shards(2);
    Files.write(shards.resolve("l0.bin"), bytes(Integer.BYTES, 4, 8));

    assertThatThrownBy(() -> open(shards, Packing.STREAM, "this"))
        .hasMessage(
            "%s: the documents have 22 tokens, but the shards 23; make them again with `bitnet"
                + " spark tokenize`",
            shards);
  }

  @Test
  void optionsOfTextsDoNotFit() throws IOException {
    Path shards = shards(2);

    assertThatThrownBy(
            () ->
                TextDataset.open(
                    shards, TextFormat.LINES, BadRecordPolicy.STOP, encoding("this"), directory))
        .hasMessage("text_format lines does not fit %s, which holds tokens; leave it out", shards);
    assertThatThrownBy(
            () ->
                TextDataset.open(
                    shards,
                    null,
                    BadRecordPolicy.STOP,
                    LossMask.PROMPTS,
                    Packing.STREAM,
                    encoding("this"),
                    directory))
        .hasMessage(
            "completion_only_loss needs records with questions, and %s holds tokens; leave it out",
            shards);
  }
}
