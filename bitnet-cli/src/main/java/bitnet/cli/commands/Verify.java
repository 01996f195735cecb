package bitnet.cli.commands;

import bitnet.checkpoint.ModelSource;
import bitnet.checkpoint.ModelVerification;
import bitnet.cli.option.DeviceOptions;
import bitnet.cli.option.ModelOptions;
import bitnet.cli.output.ExitCode;
import bitnet.graph.GraphLanguageModel;
import bitnet.graph.ReferenceLogits;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `bitnet verify`: what is wrong with a model, if anything.
@Command(
    name = "verify",
    description =
        "Check the files, shapes, ternary weights, scales, config and tokenizer of a "
            + "model and, given a reference, its logits.",
    sortOptions = false)
public final class Verify implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private ModelOptions modelOptions;

  @Option(
      names = "--reference",
      paramLabel = "FILE",
      description =
          "Reference logits from another program to compare with: {\"ids\": [...], "
              + "\"logits\": [[...], ...]}.")
  private @Nullable Path reference;

  @Option(
      names = "--tolerance",
      defaultValue = "1e-3",
      paramLabel = "X",
      description =
          "Maximum absolute difference of a logit from the reference (default: "
              + "${DEFAULT-VALUE}).")
  private double tolerance;

  @Option(names = "--json", description = "Print one JSON object instead of text.")
  private boolean json;

  @Mixin private DeviceOptions device;

  private Verify() {}

  @Override
  public Integer call() throws IOException {
    if (!(tolerance > 0)) {
      throw new IllegalArgumentException(
          "--tolerance %s is not above 0; use 1e-3".formatted(tolerance));
    }
    List<String> findings = new ArrayList<>(ModelVerification.findings(modelOptions.path()));
    Optional<ReferenceLogits.Difference> difference = Optional.empty();
    if (reference != null && findings.isEmpty()) {
      difference = Optional.of(compare(reference));
      difference.filter(this::isTooMuch).ifPresent(much -> findings.add(describe(much)));
    }
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      printJson(out, findings, difference);
    } else {
      print(out, findings, difference);
    }
    return findings.isEmpty() ? ExitCode.OK : ExitCode.FAILURE;
  }

  private ReferenceLogits.Difference compare(Path file) throws IOException {
    ReferenceLogits expected = ReferenceLogits.read(file);
    try (ModelSource source = ModelSource.open(modelOptions.path());
        GraphLanguageModel model = GraphLanguageModel.load(source.weights(), device.settings())) {
      return expected.compare(model);
    }
  }

  private boolean isTooMuch(ReferenceLogits.Difference difference) {
    return !(difference.greatest() <= tolerance); // NaN is too much
  }

  private String describe(ReferenceLogits.Difference difference) {
    return String.format(
        Locale.ROOT,
        "logits: token %d at position %d of sequence %d differs from %s by %.3g, more than %s",
        difference.token(),
        difference.position(),
        difference.sequence(),
        reference,
        difference.greatest(),
        tolerance);
  }

  private void print(
      PrintWriter out, List<String> findings, Optional<ReferenceLogits.Difference> difference)
      throws IOException {
    findings.forEach(finding -> out.println("wrong      " + finding));
    difference.ifPresent(
        seen ->
            out.printf(
                Locale.ROOT,
                "reference  %d positions, the same best token at %d, greatest difference %.2e%n",
                seen.positions(),
                seen.sameBest(),
                seen.greatest()));
    if (reference != null && difference.isEmpty()) {
      out.println("reference  not compared, because of the above");
    }
    String count = findings.size() == 1 ? "1 finding" : findings.size() + " findings";
    out.printf(
        "verified   %s: %s%n",
        modelOptions.path(), findings.isEmpty() ? "nothing is wrong" : count);
  }

  private void printJson(
      PrintWriter out, List<String> findings, Optional<ReferenceLogits.Difference> difference)
      throws IOException {
    ObjectNode root = new ObjectMapper().createObjectNode();
    root.put("model_path", modelOptions.path().toString());
    findings.forEach(root.putArray("findings")::add);
    difference.ifPresent(
        seen ->
            root.putObject("reference")
                .put("positions", seen.positions())
                .put("same_best_token", seen.sameBest())
                .put("greatest_difference", seen.greatest()));
    out.println(root);
  }
}
