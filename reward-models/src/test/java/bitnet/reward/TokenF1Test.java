package bitnet.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TokenF1Test {
  private static final TokenF1 F1 = new TokenF1();
  private static final TokenF1 WITHOUT_ARTICLES = new TokenF1(TokenF1.Articles.LEFT_OUT);

  @ParameterizedTest
  @CsvSource(
      delimiter = '%',
      quoteCharacter = '`',
      value = {
        // completion % reference % words paired, 2 of them for each pair, of words in all
        "Paris % Paris % 1",
        "It is Paris. % PARIS! % 0.5",
        "London % Paris % 0",
        "the cat sat % the cat sat on the mat % 0.6666666667",
        "mat the on sat cat the % the cat sat on the mat % 1",
        "the the the % the % 0.5",
        "running cats % run cat % 1",
        "an automobile % a car % 0.5",
        "physician % doctors % 1",
        "car auto % automobile railcar % 1",
        "railcar automobile % auto car % 1",
        "I don't know % i dont know % 1",
        "1,000.50 dollars % 1000.5 dollar % 1",
        ".5 % 0.50 % 1",
        "<think>Berlin? no, Rome</think>Paris % Paris % 1",
        "Paris</think> % Paris % 0",
        "`` % Paris % 0",
        "... % Paris % 0",
        "Zürich % zürich % 1",
        "東京 % 東京 % 1",
        // numbers, letters and stop words have no synonyms
        "x % 10 % 0",
        "ten % 10 % 0",
        "v % 5 % 0",
        "i % 1 % 0",
        "ace % 1 % 0",
        "c % 100 % 0",
        "m % 1000 % 0",
        "k % m % 0",
        "dozen % 12 % 0",
        "dozen % twelve % 0",
        "thousand % grand % 0",
        "be % live % 0",
        "get % have % 0",
        "make % take % 0",
        "go % run % 0",
        "as % arsenic % 0",
        // signs
        "-5 % 5 % 0",
        "-5 % -5.0 % 1",
        "\u22125 % -5 % 1",
        "x is -5 % x is 5 % 0.6666666667",
        "7-5 % 7 5 % 1",
        "-0 % 0 % 1",
        // no words at all
        "`` % `` % 1",
        "... % ! % 1",
        "Paris % ! % 0",
        "<think>Paris % Paris % 0",
      })
  void scoreIsTwicePairedWordsOverAllWords(String completion, String reference, double score) {
    assertThat(F1.score("q", reference, completion).outcome()).isCloseTo(score, offset(1e-9));
  }

  @ParameterizedTest
  @CsvSource({
    "the cat, cat, 1",
    "a cat, the cat, 1",
    "An apple, apple, 1",
    "the, a, 1",
    "the cat, the dog, 0",
    "that cat, cat, 0.6666666667"
  })
  void articlesCanBeLeftOutAsSquadDoes(String completion, String reference, double score) {
    assertThat(WITHOUT_ARTICLES.score("q", reference, completion).outcome())
        .isCloseTo(score, offset(1e-9));
  }

  @ParameterizedTest
  @CsvSource({"a b c d, b d", "big red car, large automobile", "x, y"})
  void answerAndReferenceMayChangePlaces(String one, String other) {
    assertThat(F1.score("q", one, other)).isEqualTo(F1.score("q", other, one));
  }
}
