package bitnet;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Which package may use which. A new package, or a new edge, is entered here on purpose.
class ArchitectureTest {
  private static final Set<String> FORMATS =
      Set.of("format", "format.safetensors", "format.gguf", "checkpoint");

  private static final Set<String> CORE =
      with(
          FORMATS,
          "setting",
          "device",
          "storage",
          "tokenizer",
          "quantization",
          "model",
          "data",
          "graph",
          "kernel",
          "runtime",
          "metrics",
          "training",
          "grammar",
          "generation",
          "hub");

  private static final Map<String, Set<String>> MAY_USE =
      Map.ofEntries(
          Map.entry("setting", Set.of()),
          Map.entry("storage", Set.of()),
          Map.entry("hub", Set.of()),
          Map.entry("device", Set.of()),
          Map.entry("quantization", Set.of()),
          Map.entry("tokenizer.jinja", Set.of("storage")),
          Map.entry("tokenizer", Set.of("storage", "tokenizer.jinja")),
          Map.entry("model", Set.of("setting", "quantization")),
          Map.entry("kernel", Set.of("setting", "quantization")),
          Map.entry("data", Set.of("setting", "storage", "tokenizer")),
          Map.entry("metrics", Set.of("storage")),
          Map.entry("format", Set.of("storage")),
          Map.entry("format.safetensors", Set.of("format", "storage")),
          Map.entry("format.gguf", Set.of("format", "storage")),
          Map.entry(
              "checkpoint",
              Set.of(
                  "setting",
                  "format",
                  "format.safetensors",
                  "format.gguf",
                  "storage",
                  "tokenizer",
                  "quantization",
                  "model")),
          Map.entry("graph", Set.of("kernel", "quantization", "model")),
          Map.entry("runtime", Set.of("setting", "device", "kernel", "quantization", "model")),
          Map.entry(
              "training",
              with(
                  FORMATS,
                  "setting",
                  "device",
                  "tokenizer",
                  "quantization",
                  "model",
                  "graph",
                  "data",
                  "metrics",
                  "storage")),
          Map.entry(
              "generation",
              Set.of("grammar", "tokenizer", "model", "format", "checkpoint", "kernel", "runtime")),
          Map.entry("grammar", Set.of("tokenizer")),
          Map.entry("reward", CORE),
          Map.entry("energy", CORE),
          Map.entry("grpo", with(CORE, "reward")),
          Map.entry("eval", with(CORE, "reward")),
          Map.entry("server", Set.of("generation", "grammar", "model", "tokenizer")),
          Map.entry("decoder", Set.of("storage")),
          Map.entry("report", Set.of("metrics", "training", "grpo")),
          Map.entry("cli.output", with(CORE, "reward", "energy", "grpo", "eval", "report")),
          Map.entry("cli.option", with(CORE, "reward", "energy", "grpo", "eval", "cli.output")),
          Map.entry(
              "cli.commands",
              with(
                  CORE,
                  "reward",
                  "energy",
                  "grpo",
                  "eval",
                  "report",
                  "server",
                  "cli.option",
                  "cli.output")),
          Map.entry("cli", with(CORE, "cli.commands", "cli.option", "cli.output")),
          Map.entry("diloco", CORE),
          Map.entry("corpus", Set.of("data", "setting", "storage")),
          Map.entry(
              "spark",
              with(
                  CORE,
                  "reward",
                  "grpo",
                  "eval",
                  "diloco",
                  "corpus",
                  "cli",
                  "cli.commands",
                  "cli.option",
                  "cli.output")));

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("bitnet");

  private static Set<String> with(Set<String> packages, String... more) {
    return Stream.concat(packages.stream(), Stream.of(more)).collect(Collectors.toSet());
  }

  /// The packages with classes in them: `model` for `bitnet.model`.
  private static Set<String> packages() {
    return CLASSES.stream()
        .map(JavaClass::getPackageName)
        .map(name -> name.substring("bitnet.".length()))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void everyModuleIsLookedAt() {
    assertThat(packages())
        .contains(
            "model", "reward", "grpo", "eval", "energy", "cli", "cli.commands", "diloco", "spark");
  }

  @ParameterizedTest
  @MethodSource("packages")
  void aPackageUsesOnlyThoseBelowIt(String name) {
    assertThat(MAY_USE).as("the place of bitnet.%s", name).containsKey(name);
    String[] allowed =
        Stream.concat(MAY_USE.getOrDefault(name, Set.of()).stream(), Stream.of(name))
            .map(ArchitectureTest::pattern)
            .toArray(String[]::new);

    noClasses()
        .that(resideInAPackage(pattern(name)))
        .should()
        .dependOnClassesThat(resideInAPackage("bitnet..").and(resideOutsideOfPackages(allowed)))
        .check(CLASSES);
  }

  private static String pattern(String name) {
    return "bitnet." + name;
  }

  @Test
  void noPackagesUseEachOtherInACircle() {
    slices().matching("bitnet.(**)").should().beFreeOfCycles().check(CLASSES);
  }

  @Test
  void onlyMainEndsTheJvmAndTheWatchdogOneThatHangs() {
    noClasses()
        .that()
        .doNotHaveFullyQualifiedName("bitnet.cli.Main")
        .and()
        .doNotHaveFullyQualifiedName("bitnet.spark.Watchdog")
        .should()
        .callMethod(System.class, "exit", int.class)
        .orShould()
        .callMethod(Runtime.class, "exit", int.class)
        .orShould()
        .callMethod(Runtime.class, "halt", int.class)
        .check(CLASSES);
  }

  @Test
  void aRoundKnowsNothingOfTheClusterItRunsOn() {
    noClasses()
        .that(resideOutsideOfPackages("bitnet.spark"))
        .should()
        .dependOnClassesThat(resideInAPackage("org.apache.spark.."))
        .check(CLASSES);
  }

  @Test
  void theCommandLineKnowsNothingOfTheEngine() {
    noClasses()
        .that(resideInAPackage("bitnet.cli.."))
        .should()
        .dependOnClassesThat(resideInAPackage("ai.djl.."))
        .check(CLASSES);
  }

  @Test
  void tensorsOfTheEngineAreUsedByTheGraphAndByTrainersOnly() {
    noClasses()
        .that(
            resideInAPackage("bitnet..")
                .and(
                    resideOutsideOfPackages(
                        "bitnet.graph", "bitnet.training", "bitnet.reward", "bitnet.grpo")))
        .should()
        .dependOnClassesThat(resideInAPackage("ai.djl.ndarray.."))
        .check(CLASSES);
  }
}
