package bitnet.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MinHashTest {
  private static final MinHash NEAR = MinHash.of(0.8);

  @Test
  void aSignatureIsThatOfTheDefinitionInPython() throws Exception {
    byte[] signature =
        NEAR.signature("To be, or not to be, that is the question: whether 'tis nobler");

    assertThat(HexFormat.of().formatHex(signature))
        .hasSize(512)
        .startsWith("b59b4038405cb417ae0dee7f94fe42f691f16c9b963518de4b3a259484eb6ceb");
    assertThat(HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(signature)))
        .isEqualTo("cddb0b1e82f396e3f7cac6724220949776bee9e351d01bcd16050487a50fac74");
    assertThat(HexFormat.of().formatHex(NEAR.signature("Two words")))
        .startsWith("6f5960845bf605545b8488e8f24c7b46");
  }

  /// Words that occur nowhere else.
  private static List<String> words(Random random, int count) {
    return IntStream.range(0, count).mapToObj(i -> Long.toHexString(random.nextLong())).toList();
  }

  /// Two texts of which one has so many more words at its end.
  private static String[] pair(Random random, int words, int more) {
    List<String> all = words(random, words + more);
    return new String[] {String.join(" ", all.subList(0, words)), String.join(" ", all)};
  }

  @ParameterizedTest
  @CsvSource({"104, 0, 1", "104, 25, 0.8", "104, 100, 0.5", "54, 450, 0.1"})
  void theShareOfEqualValuesEstimatesTheSimilarity(int words, int more, double similarity) {
    Random random = new Random(0);
    int equal = 0;
    for (int pair = 0; pair < 50; pair++) {
      String[] texts = pair(random, words, more);
      byte[] one = NEAR.signature(texts[0]);
      byte[] other = NEAR.signature(texts[1]);
      for (int at = 0; at < one.length; at += 2) {
        equal += one[at] == other[at] && one[at + 1] == other[at + 1] ? 1 : 0;
      }
    }

    assertThat(equal / (50.0 * 128)).isCloseTo(similarity, within(0.025)); // four standard errors
  }

  @ParameterizedTest
  @CsvSource({"0.5, 3, 42", "0.8, 8, 16", "0.9, 14, 9", "1, 128, 1"})
  void bandsAreAsLongAsTheyCanBeToFindNinePairsOfTen(double threshold, int rows, int bands) {
    MinHash minHash = MinHash.of(threshold);

    assertThat(minHash.bandRows()).isEqualTo(rows);
    assertThat(minHash.bands()).isEqualTo(bands);
  }

  @Test
  void caseAndPunctuationDoNotCountAndScriptsWithoutSpacesHaveOneCharacterWords() {
    assertThat(NEAR.signature("One two, three four FIVE six."))
        .isEqualTo(NEAR.signature("one  two three\nfour five six"));
    assertThat(MinHash.shingles("東京は日本の首都です")).hasSize(6);
    assertThat(MinHash.shingles("a b c d e f g")).hasSize(3);
  }

  @Test
  void textsWithoutWordsAreNearOnlyToThemselves() {
    assertThat(NEAR.isNear(NEAR.signature("***"), NEAR.signature("***"))).isTrue();
    assertThat(NEAR.isNear(NEAR.signature("***"), NEAR.signature("---"))).isFalse();
  }

  @Test
  void aBandIsItsNumberAndItsValues() {
    byte[] signature = NEAR.signature("some words of a text that are enough");

    assertThat(IntStream.range(0, NEAR.bands()).mapToObj(i -> NEAR.band(signature, i)).toList())
        .allSatisfy(band -> assertThat(band).hasSize(NEAR.bandBytes()))
        .extracting(band -> (int) band[0])
        .isEqualTo(IntStream.range(0, 16).boxed().collect(Collectors.toList()));
    assertThat(NEAR.band(signature, 1)).endsWith(signature[30], signature[31]);
  }
}
