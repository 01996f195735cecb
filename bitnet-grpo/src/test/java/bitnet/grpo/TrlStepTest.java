package bitnet.grpo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.ndarray.NDManager;
import bitnet.checkpoint.ModelDirectory;
import bitnet.checkpoint.ModelFormat;
import bitnet.checkpoint.ModelSource;
import bitnet.data.QaRecord;
import bitnet.generation.SamplingSettings;
import bitnet.graph.ComputeType;
import bitnet.graph.LlamaModel;
import bitnet.graph.Parameter;
import bitnet.graph.TorchOps;
import bitnet.model.BlankWeights;
import bitnet.model.LatentInitializer;
import bitnet.model.LlamaConfig;
import bitnet.model.TensorSpec;
import bitnet.runtime.RuntimeSettings;
import bitnet.tokenizer.Tokenizer;
import bitnet.training.OptimizerStep;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// One step of this trainer against TRL's GRPOTrainer, where that is installed: the same model as a
/// `hf-online` export, the same completions and rewards, loss and gradient of every parameter.
@Timeout(300)
class TrlStepTest {
  private static final Path PYTHON =
      Path.of(
          Optional.ofNullable(System.getenv("BITNET_ORACLE_PYTHON"))
              .orElse(System.getProperty("user.home") + "/.cache/bitnet-oracle/bin/python"));
  private static final Path SCRIPT = Path.of("src/test/resources/oracle/trl_step.py");
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final LlamaConfig CONFIG = LlamaConfig.of(256, 64, 96, 2, 2).withContextLength(96);
  private static final double TEMPERATURE = 0.7;
  private static final double BETA = 0.04;
  private static final int MAX_LENGTH = 9;
  private static final int GROUP_SIZE = 4;

  /// Names of TRL's settings with ours.
  private record Case(String type, String level) {
    GrpoSettings settings() {
      LossType loss = LossType.of(type);
      GrpoSettings defaults = GrpoSettings.defaults(1);
      return defaults
          .withRollouts(
              GrpoSettings.Rollout.of(
                  2, GROUP_SIZE, MAX_LENGTH, new SamplingSettings(TEMPERATURE, 0, 1, 0, 1, 5)))
          .withAdvantages(
              GrpoSettings.AdvantageSettings.of(
                  loss == LossType.DR_GRPO ? RewardScaling.NONE : RewardScaling.GROUP))
          .withLoss(
              new GrpoLoss(loss, 0.2, 0.2, BETA, KlEstimator.K3, Importance.of(level), MAX_LENGTH));
    }
  }

  private static final List<Case> CASES =
      List.of(
          new Case("grpo", "token"),
          new Case("dr_grpo", "token"),
          new Case("dapo", "token"),
          new Case("grpo", "sequence"));

  @TempDir private Path directory;

  @Test
  void lossAndGradientsAreThoseOfTrl() throws IOException, InterruptedException {
    assumeTrue(
        Files.isExecutable(PYTHON),
        ("no Python with torch, transformers and trl at %s; make one as CONTRIBUTING.md says, or"
                + " set BITNET_ORACLE_PYTHON")
            .formatted(PYTHON));
    TorchOps.prepareThread(1);
    BlankWeights start = new BlankWeights(CONFIG, new LatentInitializer(3, 0.08));
    RuntimeSettings exact = RuntimeSettings.exact().withThreads(1);
    try (NDManager manager = NDManager.newBaseManager();
        Tokenizer tokenizer = Tokenizer.byteLevel();
        LlamaModel model = LlamaModel.load(start, manager, ComputeType.FP32);
        ReferencePolicy reference = new ReferencePolicy(model, manager, exact, false);
        RolloutSampler sampler = new RolloutSampler(model, tokenizer, Set.of(), exact);
        OptimizerStep optimizer = new OptimizerStep(model.ops(), model.parameters())) {
      Path referencePath = export(model, tokenizer, "reference");
      List<Group> groups = scored(sampler);
      // a step away from the policy that sampled: ratios leave 1, some of them the clip range
      update(model, optimizer, reference, groups, CASES.getFirst());
      optimizer.apply(1e-3, 0, 1, 0);
      model.ternarize();
      JsonNode theirs =
          trl(export(model, tokenizer, "policy"), referencePath, write(groups)).path("cases");
      for (int i = 0; i < CASES.size(); i++) {
        optimizer.skip();
        PolicyUpdate.Result ours = update(model, optimizer, reference, groups, CASES.get(i));
        assertThat(ours.loss().loss())
            .as("%s", CASES.get(i))
            .isCloseTo(theirs.path(i).path("loss").asDouble(), within(1e-5));
        if (i == 0) {
          assertThat(ours.loss().clippedHigh() + ours.loss().clippedLow()).isPositive();
        }
        assertGradients(model, theirs.path(i).path("gradients"), CASES.get(i));
      }
    }
  }

  private Path export(LlamaModel model, Tokenizer tokenizer, String name) throws IOException {
    Path own = directory.resolve(name);
    ModelDirectory.write(own, model, tokenizer, true, ModelDirectory.Existing.REFUSE);
    Path export = directory.resolve(name + "-hf");
    try (ModelSource source = ModelSource.open(own)) {
      ModelFormat.of("hf-online")
          .write(export, source, ModelDirectory.Existing.REFUSE, parameters -> {});
    }
    return export;
  }

  /// Completions of two prompts with rewards that differ.
  private static List<Group> scored(RolloutSampler sampler) {
    GrpoSettings settings = CASES.getFirst().settings();
    List<QaRecord> records =
        List.of(
            new QaRecord("1+2=", "3", Optional.empty()),
            new QaRecord("a longer one", "b", Optional.empty()));
    return sampler
        .sampleGroups(
            records,
            GROUP_SIZE,
            MAX_LENGTH,
            settings.sampling(),
            RolloutSampler.Draw.of(0, RolloutSampler.Purpose.FIRST))
        .stream()
        .map(
            group ->
                group.map(
                    rollout -> {
                      double reward = rollout.completion()[0] % 5;
                      double[] tokens = new double[rollout.length()];
                      java.util.Arrays.fill(tokens, reward);
                      return rollout.withReward(
                          new RolloutReward(reward, new double[] {reward}, tokens, false));
                    }))
        .toList();
  }

  private static PolicyUpdate.Result update(
      LlamaModel model,
      OptimizerStep optimizer,
      ReferencePolicy reference,
      List<Group> groups,
      Case how) {
    GrpoSettings settings = how.settings();
    List<Group> learned = GroupAdvantages.of(groups, settings.advantages(), false);
    return new PolicyUpdate(model, optimizer, settings.loss(), reference, settings)
        .accumulate(new UpdateBatch(GrpoMetrics.rollouts(learned), List.of()), new StepTimes());
  }

  private Path write(List<Group> groups) throws IOException {
    ObjectNode step = JSON.createObjectNode();
    List<Rollout> rollouts = GrpoMetrics.rollouts(groups);
    step.set("prompts", JSON.valueToTree(rollouts.stream().map(Rollout::prompt).toList()));
    step.set("completions", JSON.valueToTree(rollouts.stream().map(Rollout::completion).toList()));
    step.set(
        "old_logps",
        JSON.valueToTree(rollouts.stream().map(Rollout::samplerLogProbabilities).toList()));
    step.set("rewards", JSON.valueToTree(GrpoMetrics.rewards(rollouts)));
    step.put("group_size", GROUP_SIZE).put("temperature", TEMPERATURE).put("beta", BETA);
    step.put("max_length", MAX_LENGTH);
    for (Case each : CASES) {
      step.withArray("/cases").addObject().put("loss_type", each.type()).put("level", each.level());
    }
    return Files.writeString(directory.resolve("step.json"), step.toString());
  }

  private JsonNode trl(Path policy, Path reference, Path step)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    for (Path part : List.of(PYTHON, SCRIPT, policy, reference, step)) {
      command.add(part.toString());
    }
    Path errors = directory.resolve("errors.txt");
    Process process = new ProcessBuilder(command).redirectError(errors.toFile()).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(Files.readString(errors)).isZero();
    return JSON.readTree(output);
  }

  private static void assertGradients(LlamaModel model, JsonNode theirs, Case how) {
    for (Parameter parameter : model.parameters()) {
      float[] ours = parameter.gradient().toFloatArray();
      int next = 0;
      for (TensorSpec tensor : parameter.tensors()) {
        JsonNode expected = theirs.path(tensor.name());
        assertThat(expected.size()).as(tensor.name()).isEqualTo((int) tensor.count());
        double product = 0;
        double ourSquares = 0;
        double theirSquares = 0;
        for (int i = 0; i < expected.size(); i++, next++) {
          double value = expected.path(i).asDouble();
          product += ours[next] * value;
          ourSquares += (double) ours[next] * ours[next];
          theirSquares += value * value;
        }
        assertThat(product / Math.sqrt(ourSquares * theirSquares))
            .as("%s: cosine of the gradients of %s", how, tensor.name())
            .isGreaterThan(0.9999);
        assertThat(Math.sqrt(ourSquares / theirSquares))
            .as("%s: ratio of the norms of %s", how, tensor.name())
            .isCloseTo(1, within(1e-3));
      }
    }
  }
}
