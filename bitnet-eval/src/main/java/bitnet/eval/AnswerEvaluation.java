package bitnet.eval;

import bitnet.data.QaRecord;
import bitnet.data.QaTemplate;
import bitnet.generation.BatchGenerator;
import bitnet.generation.Completion;
import bitnet.generation.GenerationSettings;
import bitnet.generation.SamplingSettings;
import bitnet.reward.FinalAnswer;
import bitnet.reward.ReasoningSteps;
import bitnet.reward.TokenF1;
import bitnet.storage.ContentDigest;
import bitnet.training.OptionValues;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeMap;

/// Asks questions and evaluates the answers and, if wanted, the reasoning and a second try.
///
/// A text ends with the tokens that end one; in a vocabulary without such a token with a line
/// break, as in training.
public final class AnswerEvaluation implements Evaluation<AnswerSample> {
  /// Chunks of this many batches keep the places of a batch filled but near their ends.
  private static final int BATCHES_A_CHUNK = 4;

  /// The numbers of the random streams of corrections, far from those of first answers.
  private static final long CORRECTIONS = 1L << 40;

  private final List<QaRecord> records;
  private final AnswerSettings settings;
  private final long seed;
  private final TokenF1 overlap;
  private final ReasoningSteps steps;

  /// An evaluation on some records.
  ///
  /// @throws IllegalArgumentException if there are no records, or reasoning is to be evaluated and
  ///     none of them has one
  public AnswerEvaluation(List<QaRecord> records, AnswerSettings settings) {
    this(records, settings, new TokenF1());
  }

  AnswerEvaluation(List<QaRecord> records, AnswerSettings settings, TokenF1 overlap) {
    if (records.isEmpty()) {
      throw new IllegalArgumentException("no records; give at least one");
    }
    if (settings.reasoning() && records.stream().allMatch(it -> it.reasoning().isEmpty())) {
      throw new IllegalArgumentException(
          "no record has a field \"reasoning\" to compare with; use --task qa");
    }
    this.records = List.copyOf(records);
    this.settings = settings;
    this.seed = settings.generation().sampling().seed();
    this.overlap = overlap;
    this.steps = new ReasoningSteps(overlap);
  }

  @Override
  public String task() {
    return settings.reasoning() ? "reasoning" : "qa";
  }

  @Override
  public Class<AnswerSample> sampleType() {
    return AnswerSample.class;
  }

  @Override
  public OptionValues options() {
    GenerationSettings generation = settings.generation();
    SamplingSettings sampling = generation.sampling();
    OptionValues options =
        new OptionValues()
            .put("samples", settings.samples())
            .put("max_length", generation.maxTokens())
            .put("stop", generation.stopStrings())
            .put("temperature", sampling.temperature())
            .put("top_k", sampling.topK())
            .put("top_p", sampling.topP())
            .put("min_p", sampling.minP())
            .put("repetition_penalty", sampling.repetitionPenalty())
            .put("frequency_penalty", sampling.adjustments().frequencyPenalty())
            .put("presence_penalty", sampling.adjustments().presencePenalty())
            .put("logit_bias", new TreeMap<>(sampling.adjustments().bias()))
            .put("seed", sampling.seed())
            .put("two_layer", settings.correction().isPresent())
            .putContent(
                "dataset", ContentDigest.of(records.toString().getBytes(StandardCharsets.UTF_8)));
    settings
        .correction()
        .ifPresent(
            each ->
                options
                    .put("guiding_prompt", each.guidingPrompt())
                    .put("augmentation_size", each.corrections())
                    .put("second_max_length", each.maxTokens()));
    return options;
  }

  /// Version 0.1.0 scored answers by other rules.
  @Override
  public Optional<String> formerSettings() {
    return Optional.empty();
  }

  @Override
  public int size(EvaluatedModel model) {
    return records.size();
  }

  @Override
  public int chunk() {
    return Math.max(1, BATCHES_A_CHUNK * settings.batchSize() / settings.samples());
  }

  @Override
  public List<AnswerSample> evaluate(EvaluatedModel model, String run, int from, int to) {
    int firsts = settings.samples();
    int seconds = settings.secondAnswers();
    List<String> questions = new ArrayList<>();
    for (QaRecord record : records.subList(from, to)) {
      questions.add(QaTemplate.prompt(record.query()));
    }
    List<ScoredCompletion> first =
        evaluated(
            complete(model, questions, firsts, (long) from * firsts, settings.generation()),
            from,
            firsts);
    List<ScoredCompletion> second = correct(model, first, from);
    List<AnswerSample> samples = new ArrayList<>();
    for (int i = from; i < to; i++) {
      QaRecord record = records.get(i);
      int place = i - from;
      samples.add(
          new AnswerSample(
              run,
              model.name(),
              i,
              record.query(),
              record.answer(),
              first.subList(place * firsts, (place + 1) * firsts),
              second.subList(place * seconds, (place + 1) * seconds)));
    }
    return samples;
  }

  /// The corrections of every answer; where their prompt does not fit the context the answer stays.
  private List<ScoredCompletion> correct(
      EvaluatedModel model, List<ScoredCompletion> first, int from) {
    if (settings.correction().isEmpty()) {
      return List.of();
    }
    AnswerSettings.Correction correction = settings.correction().get();
    List<String> prompts = new ArrayList<>();
    for (int i = 0; i < first.size(); i++) {
      String query = records.get(from + i / settings.samples()).query();
      prompts.add(
          QaTemplate.correctionPrompt(query, first.get(i).text(), correction.guidingPrompt()));
    }
    GenerationSettings generation =
        new GenerationSettings(
            correction.maxTokens(),
            settings.generation().stopStrings(),
            settings.generation().sampling());
    int seconds = settings.secondAnswers();
    long sequence = CORRECTIONS + (long) from * seconds;
    List<ScoredCompletion> second =
        evaluated(
            complete(model, prompts, correction.corrections(), sequence, generation),
            from,
            seconds);
    for (int i = 0; i < second.size(); i++) {
      if (second.get(i).finish().equals(ScoredCompletion.TOO_LONG)) {
        second.set(i, first.get(i / correction.corrections()).unread());
      }
    }
    return second;
  }

  /// A text and why it ended, before it is evaluated.
  private record Written(String text, String finish, int tokens) {
    static final Written NOTHING = new Written("", ScoredCompletion.TOO_LONG, 0);

    static Written of(Completion completion) {
      return new Written(
          completion.text(),
          completion.finish().name().toLowerCase(Locale.ROOT),
          completion.sampled().size());
    }
  }

  /// Continues prompts; one after the other's samples. Prompts that do not fit are left out
  /// without a change to the numbers, and with them the random streams, of the others.
  private List<Written> complete(
      EvaluatedModel model,
      List<String> prompts,
      int samples,
      long firstSequence,
      GenerationSettings wanted) {
    BatchGenerator generator =
        new BatchGenerator(
            model.llama(), model.tokenizer(), model.endTokens(), settings.batchSize());
    GenerationSettings generation = ended(model, wanted);
    List<int[]> tokens = prompts.stream().map(model.tokenizer()::encodeWithSpecialTokens).toList();
    List<Written> written = new ArrayList<>();
    int start = 0;
    while (start < tokens.size()) {
      int end = start;
      while (end < tokens.size() && tokens.get(end).length <= model.context()) {
        end++;
      }
      generator
          .generate(
              tokens.subList(start, end),
              samples,
              firstSequence + (long) start * samples,
              generation)
          .forEach(group -> group.forEach(completion -> written.add(Written.of(completion))));
      if (end < tokens.size()) {
        for (int j = 0; j < samples; j++) {
          written.add(Written.NOTHING);
        }
        end++;
      }
      start = end;
    }
    return written;
  }

  private static GenerationSettings ended(EvaluatedModel model, GenerationSettings wanted) {
    if (!model.endTokens().isEmpty() || wanted.stopStrings().contains("\n")) {
      return wanted;
    }
    List<String> stops = new ArrayList<>(wanted.stopStrings());
    stops.add("\n");
    return new GenerationSettings(wanted.maxTokens(), stops, wanted.sampling());
  }

  /// @param written by [#complete]
  /// @param from the record of the first
  /// @param each texts of a record
  private List<ScoredCompletion> evaluated(List<Written> written, int from, int each) {
    List<ScoredCompletion> scored = new ArrayList<>();
    for (int i = 0; i < written.size(); i++) {
      scored.add(evaluated(records.get(from + i / each), written.get(i)));
    }
    return scored;
  }

  private ScoredCompletion evaluated(QaRecord record, Written written) {
    Optional<String> reference =
        settings.reasoning() ? record.reasoning() : Optional.<String>empty();
    String inside = ReasoningSteps.inside(written.text());
    return new ScoredCompletion(
        written.text(),
        written.finish(),
        written.tokens(),
        FinalAnswer.isRight(record.answer(), written.text()),
        overlap.score(record.query(), record.answer(), written.text()).outcome(),
        reference.map(way -> overlap.score("", way, inside).outcome()).orElse(null),
        reference.map(way -> steps.correctness(way, inside)).orElse(null));
  }

  @Override
  public ModelResult summarize(EvaluatedModel model, List<AnswerSample> samples) {
    return new AnswerSummary(samples, settings, seed).of(model.name());
  }
}
