package bitnet.reward;

import bitnet.data.QaTemplate;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/// The reasoning of a completion, and how much of a reference's it holds.
public final class ReasoningSteps {
  private static final Pattern BREAK = Pattern.compile("[;\\r\\n]+|(?<=[.!?])\\s+");
  private static final String VALUE = "\\d[\\d,]*(?:\\.\\d+)?";
  private static final Pattern NUMBER = Pattern.compile(VALUE);

  /// Numbers with operators between them, an equals sign and a number.
  private static final Pattern EQUATION =
      Pattern.compile(
          "(?<![\\d.,])([-(\u2212]*@[)]*(?: *(?:[-+*/\u00d7\u00b7\u00f7\u2212^]|x|\\\\times|\\\\cdot|\\\\div) *[-(\u2212]*@[)]*)+) *= *([-\u2212]?@(?:/@)?)"
              .replace("@", VALUE));
  private static final int LONGEST = 2000; // characters of a step that are searched for equations
  private static final double LEAST_OVERLAP = 0.5;

  private final TokenF1 overlap;

  /// Compares steps by the words that they share.
  public ReasoningSteps(TokenF1 overlap) {
    this.overlap = overlap;
  }

  /// What stands between the first `<think>` and the `</think>` after it; to the end where the
  /// reasoning was not ended; nothing where it was not begun.
  public static String inside(String completion) {
    int start = completion.indexOf(QaTemplate.THINK);
    if (start < 0) {
      return "";
    }
    int from = start + QaTemplate.THINK.length();
    int end = completion.indexOf(QaTemplate.END_THINK, from);
    return completion.substring(from, end < 0 ? completion.length() : end);
  }

  /// The steps of a reasoning: parted at semicolons, line breaks and the ends of sentences.
  public static List<String> of(String reasoning) {
    return Arrays.stream(BREAK.split(reasoning, -1))
        .map(String::strip)
        .filter(step -> !step.isEmpty())
        .toList();
  }

  /// The share of the reference's steps that were found in the generated ones in the same order:
  /// the length of a longest common subsequence over the number of reference steps.
  ///
  /// A generated step matches a reference step if half of their words or more are in common (an
  /// F1 of 0.5, as [TokenF1] counts them) and they compute the same: where the reference step has
  /// equations, each stands in the generated step with the same operands and the same result
  /// (`2+4=6` matches `4 + 2 = 6`, neither `2+9=6` nor `1+5=6`); where it has another number in
  /// it, both end in the same one.
  ///
  /// @return 0 to 1; 1 for a reference without steps
  public double correctness(String reference, String generated) {
    List<String> wanted = of(reference);
    List<String> found = of(generated);
    if (wanted.isEmpty()) {
      return 1;
    }
    int[][] common = new int[wanted.size() + 1][found.size() + 1];
    for (int i = 1; i <= wanted.size(); i++) {
      for (int j = 1; j <= found.size(); j++) {
        common[i][j] =
            matches(wanted.get(i - 1), found.get(j - 1))
                ? common[i - 1][j - 1] + 1
                : Math.max(common[i - 1][j], common[i][j - 1]);
      }
    }
    return (double) common[wanted.size()][found.size()] / wanted.size();
  }

  private boolean matches(String reference, String step) {
    if (overlap.score("", reference, step).outcome() < LEAST_OVERLAP) {
      return false;
    }
    List<MatchResult> wanted = equations(reference);
    if (!wanted.isEmpty()) {
      List<MatchResult> found = equations(step);
      return wanted.stream().allMatch(one -> found.stream().anyMatch(other -> areSame(one, other)));
    }
    return reference.chars().noneMatch(Character::isDigit)
        || FinalAnswer.of(reference).filter(end -> FinalAnswer.isRight(end, step)).isPresent();
  }

  private static List<MatchResult> equations(String step) {
    // the pattern needs a stack as deep as an equation is long
    String some = step.substring(0, Math.min(step.length(), LONGEST));
    return EQUATION.matcher(some.replace("$", "")).results().toList();
  }

  private static boolean areSame(MatchResult one, MatchResult other) {
    return operands(one).equals(operands(other))
        && FinalAnswer.isSame(one.group(1), other.group(1))
        && FinalAnswer.isSame(one.group(2), other.group(2));
  }

  private static List<String> operands(MatchResult equation) {
    return NUMBER
        .matcher(equation.group(1).replace(",", ""))
        .results()
        .map(number -> new BigDecimal(number.group()).stripTrailingZeros().toPlainString())
        .sorted()
        .toList();
  }
}
