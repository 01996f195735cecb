package bitnet.checkpoint;

import bitnet.format.CheckpointException;
import bitnet.model.Activation;
import bitnet.model.LlamaConfig;
import bitnet.model.ModelFamily;
import bitnet.model.TensorSpec;
import bitnet.model.TernaryWeights;
import bitnet.tokenizer.ChatTemplate;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Looks for what is wrong with a model without running it: files, names, dimensions, trits, values
/// that are not finite, scales that seem inverted, a config that does not fit the weights, a
/// tokenizer that does not fit the model.
public final class ModelVerification {
  private static final long ENOUGH_TRITS = 1000;
  private static final double LOPSIDED = 3;

  private final ModelSource source;
  private final LlamaConfig config;
  private final TernaryWeights weights;
  private final List<String> findings = new ArrayList<>();

  private ModelVerification(ModelSource source) {
    this.source = source;
    this.config = source.weights().config();
    this.weights = source.ternary();
  }

  /// Checks a model.
  ///
  /// @param path what [ModelSource] opens
  /// @return one line for each problem: location, problem, remedy; empty if the model is sound
  /// @throws NoSuchFileException if the path does not exist
  /// @throws IOException if a file cannot be read
  public static List<String> findings(Path path) throws IOException {
    try (ModelSource source = ModelSource.open(path)) {
      ModelVerification verification = new ModelVerification(source);
      verification.checkFiles();
      verification.checkTensors();
      verification.checkActivation();
      verification.checkRope();
      verification.checkHead();
      verification.checkText();
      return List.copyOf(verification.findings);
    } catch (CheckpointException damage) {
      List<String> findings = new ArrayList<>();
      findings.add(String.valueOf(damage.getMessage()));
      findings.addAll(ArchitectureMismatch.of(path));
      return List.copyOf(findings);
    }
  }

  private void add(String place, String problem) {
    findings.add(place + ": " + problem);
  }

  private void checkFiles() throws IOException {
    try {
      source.stored().verify();
    } catch (CheckpointException damage) {
      findings.add(String.valueOf(damage.getMessage()));
    }
  }

  private void checkTensors() throws IOException {
    List<TensorInspection> tensors = new ArrayList<>();
    for (TensorSpec tensor : config.tensors()) {
      try {
        TensorInspection inspection = ModelInspection.inspect(source, weights, tensor);
        tensors.add(inspection);
        switch (inspection.content()) {
          case TensorInspection.Ternary trits -> checkTrits(tensor, trits);
          case TensorInspection.Floats floats -> checkFloats(tensor, floats);
        }
      } catch (CheckpointException damage) {
        findings.add(String.valueOf(damage.getMessage()));
      }
    }
    findings.addAll(new ScaleCheck(tensors).findings());
  }

  private void checkTrits(TensorSpec tensor, TensorInspection.Ternary trits) {
    long other = trits.negative() + trits.positive();
    if (other == 0) {
      add(tensor.name(), "every weight is 0, so the layer computes nothing; get the file again");
    } else if (other >= ENOUGH_TRITS
        && Math.max(trits.negative(), trits.positive())
            > LOPSIDED * Math.min(trits.negative(), trits.positive())) {
      add(
          tensor.name(),
          "%d weights are -1 but %d are 1; trained ones balance, so the codes may be shifted"
              .formatted(trits.negative(), trits.positive()));
    }
  }

  private void checkFloats(TensorSpec tensor, TensorInspection.Floats floats) {
    if (floats.notFinite() > 0) {
      add(
          tensor.name(),
          "%d values are NaN or infinite; the file is damaged, or training diverged"
              .formatted(floats.notFinite()));
    } else if (floats.rootMeanSquare() == 0) {
      add(tensor.name(), "every value is 0; get the file again");
    }
  }

  /// Models of that type that others publish have relu²; what was exported here says so.
  private void checkActivation() {
    if (!source.stored().isOurs()
        && config.subNorms()
        && config.activation() != Activation.RELU_SQUARED) {
      add(
          source.path().resolve(ConfigJson.NAME).toString(),
          "hidden_act is \"%s\" but model_type bitnet is trained with \"relu2\"; correct it, or the"
                  .formatted(config.activation().key())
              + " model computes something else than it learned");
    }
  }

  /// Every published Qwen has a larger base than the default of its class.
  private void checkRope() {
    ModelFamily family = ModelFamily.of(config);
    boolean qwen = family == ModelFamily.QWEN2 || family == ModelFamily.QWEN3;
    if (qwen && !source.stored().isOurs() && config.ropeTheta() == family.defaults().ropeTheta()) {
      add(
          source.path().resolve(ConfigJson.NAME).toString(),
          "rope_theta is %.0f, the default where it is missing; published models of %s have 1000000"
                  .formatted(config.ropeTheta(), family.modelType())
              + " or more, so look it up, or the model computes something else than it learned");
    }
  }

  private void checkHead() throws IOException {
    if (config.tiedHead()) {
      return;
    }
    TensorSpec embedding = config.tensors().getFirst();
    TensorSpec head = config.tensors().getLast();
    if (equalRows(embedding, head)) {
      add(
          head.name(),
          "equals %s although tie_word_embeddings is false; set it to true and leave the head out"
              .formatted(embedding.name()));
    }
  }

  private boolean equalRows(TensorSpec one, TensorSpec other) throws IOException {
    long rowBytes = (long) one.columns() * Float.BYTES;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment left = arena.allocate(rowBytes, Float.BYTES);
      MemorySegment right = arena.allocate(rowBytes, Float.BYTES);
      for (int row = 0; row < one.rows(); row++) {
        weights.readRows(one, row, 1, left);
        weights.readRows(other, row, 1, right);
        if (left.mismatch(right) != -1) {
          return false;
        }
      }
    }
    return true;
  }

  private void checkText() {
    try {
      if (source.tokenizerAssets().tokenizerSize() > 0) {
        checkTokenizer();
      }
      for (int token : source.generation().endTokens()) {
        if (token < 0 || token >= config.vocabSize()) {
          add(
              source.path().toString(),
              "eos_token_id %d is outside the vocabulary of %d; correct config.json and %s"
                  .formatted(token, config.vocabSize(), GenerationConfig.NAME));
        }
      }
      Optional<ChatTemplate> template = source.chatTemplate();
      if (template.isPresent()) {
        template.get().render(List.of(new ChatTemplate.Message("user", "Hello")), true);
      }
    } catch (IOException damage) {
      findings.add(String.valueOf(damage.getMessage()));
    } catch (IllegalArgumentException unusable) {
      add(source.path().toString(), String.valueOf(unusable.getMessage()));
    }
  }

  private void checkTokenizer() throws IOException {
    try (Tokenizer tokenizer = source.tokenizer()) {
      if (tokenizer.vocabSize() > config.vocabSize()) {
        add(
            source.path().toString(),
            "the tokenizer has %d tokens but vocab_size is %d; it is another model's"
                .formatted(tokenizer.vocabSize(), config.vocabSize()));
      }
    }
  }
}
