package bitnet.eval;

import bitnet.data.ChoiceRecord;
import bitnet.runtime.KvCache;
import bitnet.storage.ContentDigest;
import bitnet.tokenizer.Tokenizer;
import bitnet.training.OptionValues;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.ToIntFunction;

/// Multiple choice by likelihood, as EleutherAI's lm-evaluation-harness does it: a model chooses
/// the answer that is most probable after the prompt and a blank.
///
/// `acc` compares log-probabilities as they are, `acc_norm` divided by the characters of the answer
/// (Unicode code points), the blank not counted, and `acc_bytes` by its UTF-8 bytes. The last two
/// are the same for ASCII. Where prompt and answer
/// do not fit the context the beginning is left out.
public final class ChoiceEvaluation implements Evaluation<ChoiceSample> {
  private static final int BATCHES_A_CHUNK = 4;

  private final List<ChoiceRecord> records;
  private final int batchSize;
  private final long seed;

  /// An evaluation on some records.
  ///
  /// @param batchSize sequences that are read together; changes the speed only
  /// @param seed of the bootstrap intervals
  public ChoiceEvaluation(List<ChoiceRecord> records, int batchSize, long seed) {
    if (records.isEmpty()) {
      throw new IllegalArgumentException("no records; give at least one");
    }
    AnswerSettings.requireBatch(batchSize);
    this.records = List.copyOf(records);
    this.batchSize = batchSize;
    this.seed = seed;
  }

  @Override
  public String task() {
    return "choice";
  }

  @Override
  public Class<ChoiceSample> sampleType() {
    return ChoiceSample.class;
  }

  @Override
  public OptionValues options() {
    return new OptionValues().putContent("dataset", digest());
  }

  @Override
  public Optional<String> formerSettings() {
    return Optional.of(digest());
  }

  private String digest() {
    return ContentDigest.of(records.toString().getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public int size(EvaluatedModel model) {
    return records.size();
  }

  @Override
  public int chunk() {
    return BATCHES_A_CHUNK * batchSize;
  }

  @Override
  public List<ChoiceSample> evaluate(EvaluatedModel model, String run, int from, int to) {
    List<ChoiceSample> samples = new ArrayList<>();
    int start = from;
    while (start < to) {
      List<Question> together = new ArrayList<>();
      int sequences = 0;
      for (int i = start; i < to; i++) {
        sequences += records.get(i).choices().size();
        if (sequences > batchSize && i > start) {
          break;
        }
        together.add(Question.of(records.get(i), model));
      }
      List<double[]> scores = score(model, together);
      for (int i = 0; i < scores.size(); i++) {
        samples.add(sample(model, run, start + i, scores.get(i), together.get(i).cut()));
      }
      start += together.size();
    }
    return samples;
  }

  /// The choices of a record as a model reads them.
  ///
  /// @param whole prompt and choice, for each choice
  /// @param lengths tokens of each that belong to the choice, at its end
  /// @param shared tokens at the beginning that are the same for all and come before the last of
  ///     the prompt
  /// @param cut whether some were left out at the beginning
  private record Question(List<int[]> whole, int[] lengths, int shared, boolean cut) {

    /// As the harness does it: the tokens of a choice are those that the whole has more than the
    /// prompt without the white space at its end.
    static Question of(ChoiceRecord record, EvaluatedModel model) {
      Tokenizer tokenizer = model.tokenizer();
      int prompt = tokenizer.encodeWithSpecialTokens(record.context()).length;
      int room = model.context() + 1; // the last token is not read
      List<int[]> whole = new ArrayList<>();
      int[] lengths = new int[record.choices().size()];
      boolean cut = false;
      for (int j = 0; j < lengths.length; j++) {
        int[] tokens =
            tokenizer.encodeWithSpecialTokens(record.prompt() + " " + record.choices().get(j));
        int first = Math.max(0, tokens.length - room);
        lengths[j] = Math.clamp(tokens.length - prompt, 1, tokens.length - first - 1);
        cut |= first > 0;
        whole.add(Arrays.copyOfRange(tokens, first, tokens.length));
      }
      return new Question(whole, lengths, shared(whole, lengths), cut);
    }

    private static int shared(List<int[]> whole, int... lengths) {
      int shared = whole.getFirst().length;
      for (int j = 0; j < lengths.length; j++) {
        int[] tokens = whole.get(j);
        int mismatch = Arrays.mismatch(whole.getFirst(), tokens);
        shared = mismatch < 0 ? shared : Math.min(shared, mismatch);
        shared = Math.min(shared, tokens.length - lengths[j] - 1);
      }
      return shared;
    }
  }

  /// Reads what the choices of a question share once, then all choices together.
  private static List<double[]> score(EvaluatedModel model, List<Question> questions) {
    List<KvCache> caches = new ArrayList<>();
    try {
      List<KvCache> prompts = new ArrayList<>();
      List<int[]> beginnings = new ArrayList<>();
      List<KvCache> choices = new ArrayList<>();
      for (Question question : questions) {
        KvCache prompt = newCache(model, question.shared(), caches);
        if (question.shared() > 0) {
          prompts.add(prompt);
          beginnings.add(Arrays.copyOf(question.whole().getFirst(), question.shared()));
        }
      }
      model.llama().advance(prompts, beginnings);
      List<int[]> inputs = new ArrayList<>();
      List<int[]> targets = new ArrayList<>();
      for (int i = 0; i < questions.size(); i++) {
        Question question = questions.get(i);
        for (int[] tokens : question.whole()) {
          KvCache choice = newCache(model, tokens.length - 1, caches);
          choice.forkFrom(caches.get(i));
          choices.add(choice);
          inputs.add(Arrays.copyOfRange(tokens, question.shared(), tokens.length - 1));
          targets.add(Arrays.copyOfRange(tokens, question.shared() + 1, tokens.length));
        }
      }
      return sums(questions, model.llama().score(choices, inputs, targets));
    } finally {
      caches.forEach(KvCache::close);
    }
  }

  private static KvCache newCache(EvaluatedModel model, int capacity, List<KvCache> caches) {
    KvCache cache = model.llama().newCache(Math.max(1, capacity));
    caches.add(cache);
    return cache;
  }

  private static List<double[]> sums(List<Question> questions, double[]... scores) {
    List<double[]> sums = new ArrayList<>();
    int row = 0;
    for (Question question : questions) {
      double[] sum = new double[question.lengths().length];
      for (int j = 0; j < sum.length; j++, row++) {
        double[] all = scores[row];
        sum[j] = Arrays.stream(all, all.length - question.lengths()[j], all.length).sum();
      }
      sums.add(sum);
    }
    return sums;
  }

  private ChoiceSample sample(
      EvaluatedModel model, String run, int index, double[] scores, boolean cut) {
    ChoiceRecord record = records.get(index);
    List<Double> logProbabilities = Arrays.stream(scores).boxed().toList();
    return new ChoiceSample(
        run,
        model.name(),
        index,
        record.prompt(),
        logProbabilities,
        record.right(),
        best(scores),
        chosen(logProbabilities, record.choices(), ChoiceEvaluation::bytes),
        cut);
  }

  /// The first of the highest.
  private static int best(double... scores) {
    int best = 0;
    for (int j = 1; j < scores.length; j++) {
      best = scores[j] > scores[best] ? j : best;
    }
    return best;
  }

  @Override
  public ModelResult summarize(EvaluatedModel model, List<ChoiceSample> samples) {
    List<Series> series =
        List.of(
            hits("acc", samples, ChoiceSample::chosen),
            hits(
                "acc_norm",
                samples,
                it ->
                    chosen(
                        it.logProbabilities(),
                        records.get(it.index()).choices(),
                        ChoiceEvaluation::characters)),
            hits("acc_bytes", samples, ChoiceSample::chosenByByte));
    long cut = samples.stream().filter(ChoiceSample::cut).count();
    return new ModelResult(
        model.name(),
        series.stream().map(each -> Metric.mean(each, seed)).toList(),
        series,
        List.of(),
        cut == 0
            ? List.of()
            : List.of(
                "%s: %d records did not fit its context: their beginnings were left out."
                    .formatted(model.name(), cut)));
  }

  private static Series hits(
      String name, List<ChoiceSample> samples, ToIntFunction<ChoiceSample> chosen) {
    return new Series(
        name,
        samples.stream().mapToDouble(it -> chosen.applyAsInt(it) == it.right() ? 1 : 0).toArray(),
        true);
  }

  /// The index of the choice with the highest log-probability a unit of its length, the first of
  /// equally high ones.
  static int chosen(
      List<Double> logProbabilities, List<String> choices, ToIntFunction<String> length) {
    double[] scores = new double[choices.size()];
    for (int j = 0; j < scores.length; j++) {
      scores[j] = logProbabilities.get(j) / length.applyAsInt(choices.get(j));
    }
    return best(scores);
  }

  static int characters(String choice) {
    return choice.codePointCount(0, choice.length());
  }

  static int bytes(String choice) {
    return choice.getBytes(StandardCharsets.UTF_8).length;
  }
}
