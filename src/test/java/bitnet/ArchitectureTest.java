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
  private static final Set<String> CORE =
      Set.of(
          "device",
          "tokenizer",
          "quantization",
          "model",
          "checkpoint",
          "data",
          "training",
          "kernel",
          "runtime",
          "generation");

  private static final Map<String, Set<String>> MAY_USE =
      Map.ofEntries(
          Map.entry("storage", Set.of()),
          Map.entry("tokenizer", Set.of("storage")),
          Map.entry("quantization", Set.of()),
          Map.entry("model", Set.of("tokenizer", "quantization")),
          Map.entry("device", Set.of()),
          Map.entry("checkpoint", Set.of("storage", "tokenizer", "quantization", "model")),
          Map.entry("data", Set.of("storage", "tokenizer")),
          Map.entry(
              "training",
              Set.of(
                  "device", "tokenizer", "quantization", "model", "checkpoint", "data", "storage")),
          Map.entry("kernel", Set.of("quantization")),
          Map.entry("runtime", Set.of("device", "kernel", "quantization", "model")),
          Map.entry(
              "generation",
              Set.of("device", "tokenizer", "model", "checkpoint", "kernel", "runtime")),
          Map.entry("reward", CORE),
          Map.entry("energy", with(CORE, "storage")),
          Map.entry("grpo", with(CORE, "storage", "reward")),
          Map.entry("eval", with(CORE, "storage", "reward")),
          Map.entry("report", Set.of("training", "grpo")),
          Map.entry("cli", with(CORE, "storage", "reward", "energy", "grpo", "eval", "report")));

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("bitnet");

  private static Set<String> with(Set<String> packages, String... more) {
    return Stream.concat(packages.stream(), Stream.of(more)).collect(Collectors.toSet());
  }

  /// The packages with classes in them, `model` for `bitnet.model` and what is under it.
  private static Set<String> packages() {
    return CLASSES.stream()
        .map(JavaClass::getPackageName)
        .map(name -> name.split("\\.", -1)[1])
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void everyModuleIsLookedAt() {
    assertThat(packages()).contains("model", "reward", "grpo", "eval", "energy", "cli");
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
    return "bitnet." + name + "..";
  }

  @Test
  void noPackagesUseEachOtherInACircle() {
    slices().matching("bitnet.(*)..").should().beFreeOfCycles().check(CLASSES);
  }

  @Test
  void onlyMainEndsTheJvm() {
    noClasses()
        .that()
        .doNotHaveFullyQualifiedName("bitnet.cli.Main")
        .should()
        .callMethod(System.class, "exit", int.class)
        .orShould()
        .callMethod(Runtime.class, "exit", int.class)
        .orShould()
        .callMethod(Runtime.class, "halt", int.class)
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
}
