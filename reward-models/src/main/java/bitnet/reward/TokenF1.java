package bitnet.reward;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/// The overlap of a completion's answer with the reference, "qa_reward":
///
/// F1 = 2 P R / (P + R), with P the share of the answer's words that have a partner in the
/// reference and R the share of the reference's words that have one in the answer.
///
/// A word is a run of letters or a number; case and punctuation do not count, and of numbers only
/// their value with its sign does (`1,000.50` is `1000.5`, `-5` is not `5`). Two words are partners
/// if their Porter stems are equal or WordNet 3.1 has both in one set of synonyms. Numbers, number
/// words, words of fewer than three letters and stop words have no synonyms: WordNet counts `10`,
/// `x` and `ten` as one, and `be`, `live` and `cost`. Each word has one partner at most, and of all
/// ways to pair them one with the most pairs is taken (maximum matching), so that the order of the
/// words makes no difference.
///
/// Where both have no words the score is 1, where one has none it is 0, as in SQuAD 2.0. The answer
/// follows the last `</think>`; a reasoning that is not ended has none.
public final class TokenF1 implements Reward {
  private static final Pattern WORD =
      Pattern.compile(
          "(?:(?<![\\p{L}\\p{N})\\]}])[-\u2212\u2013])?(?:\\d+(?:,\\d{3})+(?:\\.\\d+)?|\\d*\\.?\\d+)"
              + "|[\\p{L}\\p{M}][\\p{L}\\p{M}\\p{N}'\u2019]*");
  private static final int SHORTEST_SYNONYM = 3;
  private static final Set<String> ARTICLES = Set.of("a", "an", "the");

  /// Words that say little and have synonyms that say something else.
  private static final Set<String> STOP_WORDS =
      Set.of(
          ("the and but nor for yet off out over under again then once here there when where why"
                  + " how all any both each few more most other some such not only own same than"
                  + " too very can will just should now are was were been being have has had having"
                  + " does did doing would could might must shall may about against between into"
                  + " through during before after above below from down with you your yours him"
                  + " his she her hers its they them their theirs what which who whom this that"
                  + " these those our ours get gets got getting make makes made making take takes"
                  + " took taken taking goes went gone going come comes came coming give gives gave"
                  + " given giving put puts let lets set sets run runs ran running")
              .split(" "));

  /// What is done with the words `a`, `an` and `the`.
  public enum Articles {
    /// They count as other words do.
    COUNTED,
    /// They are left out, as SQuAD does.
    LEFT_OUT
  }

  private final WordNet wordNet = new WordNet();

  private final Articles articles;

  /// The reward with articles counted. Opens WordNet.
  public TokenF1() {
    this(Articles.COUNTED);
  }

  /// The reward. Opens WordNet.
  public TokenF1(Articles articles) {
    this.articles = articles;
  }

  @Override
  public RewardScore score(String query, String reference, String completion) {
    List<Set<String>> answer = keys(AnswerText.of(completion));
    List<Set<String>> wanted = keys(AnswerText.of(reference));
    if (answer.isEmpty() || wanted.isEmpty()) {
      return RewardScore.of(answer.isEmpty() && wanted.isEmpty() ? 1 : 0);
    }
    double matches = new Matching(answer, wanted).size();
    return RewardScore.of(2 * matches / (answer.size() + wanted.size()));
  }

  /// For each word what it may have in common with another: its stem and its meanings.
  private List<Set<String>> keys(String text) {
    return words(text).stream()
        .filter(word -> articles == Articles.COUNTED || !ARTICLES.contains(word))
        .map(
            word -> {
              Set<String> keys =
                  new HashSet<>(hasSynonyms(word) ? wordNet.meanings(word) : Set.of());
              keys.add("=" + PorterStemmer.stem(word)); // no meaning begins with =
              return keys;
            })
        .toList();
  }

  private static boolean hasSynonyms(String word) {
    return word.length() >= SHORTEST_SYNONYM
        && word.codePoints().allMatch(Character::isLetter)
        && !STOP_WORDS.contains(word)
        && !NumberWords.begins(word)
        && NumberWords.scale(word).isEmpty();
  }

  static List<String> words(String text) {
    return WORD.matcher(text.toLowerCase(Locale.ROOT))
        .results()
        .map(MatchResult::group)
        .map(word -> Character.isLetter(word.charAt(0)) ? letters(word) : number(word))
        .filter(word -> !word.isEmpty())
        .toList();
  }

  private static String letters(String word) {
    return word.replaceAll("['\u2019]", "");
  }

  private static String number(String word) {
    boolean minus = "-\u2212\u2013".indexOf(word.charAt(0)) >= 0;
    String plain = (minus ? word.substring(1) : word).replace(",", "");
    plain = plain.startsWith(".") ? "0" + plain : plain;
    plain = plain.contains(".") ? plain.replaceAll("\\.?0+$", "") : plain;
    return minus && !plain.matches("0+") ? "-" + plain : plain;
  }

  /// The largest set of pairs, by augmenting paths (Kuhn).
  private static final class Matching {
    private final List<Set<String>> left;
    private final List<Set<String>> right;
    private final int[] partner; // of each right word; -1 for none

    Matching(List<Set<String>> left, List<Set<String>> right) {
      this.left = left;
      this.right = right;
      this.partner = new int[right.size()];
    }

    int size() {
      Arrays.fill(partner, -1);
      int size = 0;
      for (int word = 0; word < left.size(); word++) {
        size += pair(word, new boolean[right.size()]) ? 1 : 0;
      }
      return size;
    }

    private boolean pair(int word, boolean[] tried) {
      List<Integer> open = new ArrayList<>();
      for (int other = 0; other < right.size(); other++) {
        if (!tried[other] && !Collections.disjoint(left.get(word), right.get(other))) {
          if (partner[other] < 0) {
            partner[other] = word;
            return true;
          }
          open.add(other);
        }
      }
      for (int other : open) {
        if (!tried[other]) {
          tried[other] = true;
          if (pair(partner[other], tried)) {
            partner[other] = word;
            return true;
          }
        }
      }
      return false;
    }
  }
}
