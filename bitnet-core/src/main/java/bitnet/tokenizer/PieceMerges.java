package bitnet.tokenizer;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// SentencePiece's BPE knows no list of merges: it joins the two neighbours whose union is a piece
/// of the highest score. As a list, that is every way to cut each piece into two others, the
/// pieces by falling score.
final class PieceMerges {
  private PieceMerges() {}

  /// A piece and one way to cut it.
  private record Merge(int piece, String left, String right) {}

  /// The merges of a vocabulary, "left right", the earliest first.
  ///
  /// @param tokens by id
  /// @param ordinary whether the token with that id can come from merging
  /// @param scores by id
  /// @throws IllegalArgumentException if two pieces that can be merged have the same score, so that
  ///     their order is unknown
  static List<String> of(List<String> tokens, boolean[] ordinary, float[] scores) {
    Map<String, Integer> ids = new HashMap<>();
    for (int id = 0; id < tokens.size(); id++) {
      if (ordinary[id]) {
        ids.put(tokens.get(id), id);
      }
    }
    List<Merge> merges = new ArrayList<>();
    Map<Float, Integer> pieceOf = new HashMap<>();
    for (Map.Entry<String, Integer> entry : ids.entrySet()) {
      int before = merges.size();
      addCuts(entry.getKey(), entry.getValue(), ids, merges);
      Integer other =
          merges.size() == before ? null : pieceOf.put(scores[entry.getValue()], entry.getValue());
      if (other != null) {
        throw new IllegalArgumentException(
            "tokens %d and %d have the same score %s; the order of their merges is unknown"
                .formatted(
                    Math.min(other, entry.getValue()),
                    Math.max(other, entry.getValue()),
                    scores[other]));
      }
    }
    merges.sort(
        Comparator.comparingDouble((Merge merge) -> -scores[merge.piece()])
            .thenComparingInt(merge -> ids.get(merge.left()))
            .thenComparingInt(merge -> ids.get(merge.right())));
    return merges.stream().map(merge -> merge.left() + " " + merge.right()).toList();
  }

  private static void addCuts(String piece, int id, Map<String, Integer> ids, List<Merge> merges) {
    for (int cut = piece.offsetByCodePoints(0, 1);
        cut < piece.length();
        cut = piece.offsetByCodePoints(cut, 1)) {
      String left = piece.substring(0, cut);
      String right = piece.substring(cut);
      if (ids.containsKey(left) && ids.containsKey(right)) {
        merges.add(new Merge(id, left, right));
      }
    }
  }

  /// Scores with which [#of] gives back a list of merges: the place of a piece's first merge,
  /// negative.
  ///
  /// @throws IllegalArgumentException if no scores do
  static float[] scores(List<String> tokens, boolean[] ordinary, List<String> merges) {
    Map<String, Integer> first = new HashMap<>();
    for (int place = 0; place < merges.size(); place++) {
      first.putIfAbsent(merged(merges.get(place)), place);
    }
    float[] scores = new float[tokens.size()];
    for (int id = 0; id < scores.length; id++) {
      scores[id] = ordinary[id] ? -first.getOrDefault(tokens.get(id), merges.size()) : 0;
    }
    requireSame(merges, of(tokens, ordinary, scores));
    return scores;
  }

  private static String merged(String merge) {
    int space = merge.indexOf(' ');
    return merge.substring(0, space) + merge.substring(space + 1);
  }

  /// The order among the cuts of one piece means nothing.
  private static void requireSame(List<String> merges, List<String> derived) {
    List<Set<String>> wanted = byPiece(merges);
    if (!wanted.equals(byPiece(derived))) {
      throw new IllegalArgumentException(
          "the merges do not rank the pieces, so scores cannot express them");
    }
  }

  private static List<Set<String>> byPiece(List<String> merges) {
    List<Set<String>> groups = new ArrayList<>();
    String piece = "";
    for (String merge : merges) {
      String merged = merged(merge);
      if (!merged.equals(piece)) {
        groups.add(new HashSet<>());
        piece = merged;
      }
      groups.getLast().add(merge);
    }
    return groups;
  }
}
