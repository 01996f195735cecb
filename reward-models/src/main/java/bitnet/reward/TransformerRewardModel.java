package bitnet.reward;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import bitnet.checkpoint.ModelDirectory;
import bitnet.checkpoint.ModelSource;
import bitnet.checkpoint.TensorDirectory;
import bitnet.data.QaTemplate;
import bitnet.graph.ComputeType;
import bitnet.graph.DeviceSelector;
import bitnet.graph.ForwardPass;
import bitnet.graph.LlamaModel;
import bitnet.graph.Parameter;
import bitnet.graph.TensorMemory;
import bitnet.graph.TorchOps;
import bitnet.model.ComputeSettings;
import bitnet.storage.ContentDigest;
import bitnet.tokenizer.StreamDecoder;
import bitnet.tokenizer.Tokenizer;
import bitnet.training.ModelOptionValues;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// A reward model on a ternary LLaMA: the decoder reads prompt and completion, and a linear head
/// makes logits of its hidden states. Query and completion stand in the form of [QaTemplate]; of a
/// text longer than the model's context the beginning is left out.
///
/// A directory of it holds `model`, a model directory, and `head`.
public final class TransformerRewardModel implements RewardModel {
  static final TensorDirectory FILES = new TensorDirectory("reward.safetensors", "reward.json");
  static final String HEAD = "head";

  private static final String TYPE = "transformer";
  private static final String MANIFEST = "manifest.json";

  private final NDManager manager;
  private final LlamaModel encoder;
  private final Tokenizer tokenizer;
  private final RewardHead kind;
  private final Parameter head; // [hidden + 1]: weights, then the bias

  private TransformerRewardModel(
      NDManager manager, LlamaModel encoder, Tokenizer tokenizer, RewardHead kind) {
    this.manager = manager;
    this.encoder = encoder;
    this.tokenizer = tokenizer;
    this.kind = kind;
    this.head = Parameter.zeros(manager, "reward_head", encoder.config().hiddenSize() + 1);
  }

  /// A model that knows nothing of rewards yet: a decoder with a head of zeros.
  ///
  /// @param modelPath the decoder, of any form that [ModelSource] knows
  /// @param compute where to compute; the thread that calls this is the one to use the model
  /// @throws IOException if the model is missing, damaged or has no tokenizer
  public static TransformerRewardModel create(
      Path modelPath, RewardHead kind, ComputeSettings compute, ComputeType type)
      throws IOException {
    TorchOps.prepareThread(compute.threads());
    NDManager manager =
        NDManager.newBaseManager(new DeviceSelector().select(compute.device()).device(), "PyTorch");
    try (ModelSource source = ModelSource.open(modelPath)) {
      LlamaModel encoder = LlamaModel.load(source.weights(), manager, type);
      return new TransformerRewardModel(manager, encoder, source.tokenizer(), kind);
    } catch (IOException | RuntimeException failure) {
      manager.close();
      throw failure;
    }
  }

  LlamaModel encoder() {
    return encoder;
  }

  NDArray head() {
    return head.value();
  }

  Parameter headParameter() {
    return head;
  }

  RewardHead kind() {
    return kind;
  }

  /// Runs answers through the decoder.
  ///
  /// @param keep what is kept for [AnswerPass#backward]
  AnswerPass forward(List<AnswerTokens> answers, ForwardPass.Keep keep) {
    return new AnswerPass(encoder, head().toFloatArray(), answers, keep);
  }

  /// The tokens of query and completion, and those among them that the head looks at.
  AnswerTokens tokens(String query, String completion) {
    int[] prompt = tokenizer.encode(QaTemplate.prompt(query));
    int[] answer = tokenizer.encode(completion);
    int[] all = IntStream.concat(IntStream.of(prompt), IntStream.of(answer)).toArray();
    int dropped = Math.max(0, all.length - encoder.config().contextLength());
    int[] ids = IntStream.of(all).skip(dropped).toArray();
    int first =
        switch (kind) {
          case SCALAR -> ids.length - 1;
          case PER_TOKEN -> Math.clamp(prompt.length - (long) dropped, 0, ids.length - 1);
        };
    return new AnswerTokens(ids, first);
  }

  @Override
  public double logit(String query, String completion) {
    try (AnswerPass pass = forward(List.of(tokens(query, completion)), ForwardPass.Keep.NOTHING)) {
      return pass.logit(0);
    }
  }

  /// The probability that the completion is good, from 0 to 1; with a head per token also that of
  /// each of the decoder's tokens, of whose logits the outcome's is the mean.
  @Override
  public RewardScore score(String query, String reference, String completion) {
    AnswerTokens tokens = tokens(query, completion);
    try (AnswerPass pass = forward(List.of(tokens), ForwardPass.Keep.NOTHING)) {
      double outcome = PreferenceLoss.sigmoid(pass.logit(0));
      if (kind == RewardHead.SCALAR || completion.isEmpty()) {
        return RewardScore.of(outcome);
      }
      double[] logits = pass.logits(0);
      int[] ends = ends(completion);
      List<RewardScore.Part> parts = new ArrayList<>();
      for (int i = 0; i < logits.length; i++) {
        int end = ends[ends.length - logits.length + i];
        parts.add(new RewardScore.Part(end, PreferenceLoss.sigmoid(logits[i])));
      }
      return new RewardScore(outcome, parts);
    }
  }

  /// Where each token of a completion ends, in characters.
  private int[] ends(String completion) {
    int[] ids = tokenizer.encode(completion);
    StreamDecoder decoder = tokenizer.streamDecoder();
    int[] ends = new int[ids.length];
    int length = 0;
    for (int i = 0; i < ids.length; i++) {
      length = Math.min(completion.length(), length + decoder.next(ids[i]).length());
      ends[i] = length;
    }
    ends[ids.length - 1] = completion.length();
    return ends;
  }

  @Override
  public String digest() throws IOException {
    ContentDigest digest = new ContentDigest();
    digest.update(TensorMemory.of(head()).asByteBuffer());
    String all = kind.key() + digest.hex() + ModelOptionValues.digest(encoder);
    return ContentDigest.of(all.getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public void save(Path directory, ModelDirectory.Existing existing) throws IOException {
    if (Files.exists(directory.resolve(LinearRewardModel.FILES.description()))) {
      throw new IllegalArgumentException(
          "%s holds a linear reward model; use another output_dir".formatted(directory));
    }
    Path model = directory.resolve(ModelSource.RUN_MODEL);
    ModelDirectory.write(model, encoder, tokenizer, true, existing);
    ObjectNode description =
        new ObjectMapper()
            .createObjectNode()
            .put("model_type", TYPE)
            .put("head", kind.key())
            .put("model_manifest", Files.readString(model.resolve(MANIFEST)));
    FILES.write(
        directory.resolve(HEAD), Map.of(HEAD, TensorMemory.of(head())), description, existing);
  }

  static TransformerRewardModel load(Path directory, ComputeSettings compute) throws IOException {
    Path model = directory.resolve(ModelSource.RUN_MODEL);
    Path file = directory.resolve(HEAD).resolve(FILES.description());
    try (TensorDirectory.Content content = FILES.open(directory.resolve(HEAD))) {
      ObjectNode description = content.description();
      String manifest = description.path("model_manifest").asText();
      if (!manifest.equals(Files.readString(model.resolve(MANIFEST)))) {
        throw new IOException(
            file
                + ": was made for a different model than the one in this directory; train it again");
      }
      RewardHead kind;
      try {
        kind = RewardHead.of(description.path("head").asText());
      } catch (IllegalArgumentException unknown) {
        throw new IOException(file + ": " + unknown.getMessage(), unknown);
      }
      TransformerRewardModel loaded = create(model, kind, compute, ComputeType.FP32);
      try {
        TensorMemory.fill(loaded.head(), memory -> content.read(HEAD, memory));
        return loaded;
      } catch (IOException failure) {
        loaded.close();
        throw failure;
      }
    }
  }

  @Override
  public void close() {
    tokenizer.close();
    encoder.close();
    manager.close();
  }
}
