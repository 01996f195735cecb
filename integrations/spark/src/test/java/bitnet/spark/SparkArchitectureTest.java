package bitnet.spark;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

class SparkArchitectureTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("bitnet.spark", "bitnet.diloco");

  @Test
  void aRoundKnowsNothingOfSparkAndOfTheCommandLine() {
    noClasses()
        .that()
        .resideInAPackage("bitnet.diloco")
        .should()
        .dependOnClassesThat(
            resideInAnyPackage("org.apache.spark..", "bitnet.spark..", "bitnet.cli.."))
        .check(CLASSES);
  }

  @Test
  void tensorsOfTheEngineAreNotUsedHere() {
    noClasses().should().dependOnClassesThat(resideInAnyPackage("ai.djl..")).check(CLASSES);
  }

  @Test
  void onlyTheWatchdogEndsAProcess() {
    noClasses()
        .that()
        .doNotHaveFullyQualifiedName(Watchdog.class.getName())
        .should()
        .callMethod(System.class, "exit", int.class)
        .orShould()
        .callMethod(Runtime.class, "halt", int.class)
        .check(CLASSES);
  }
}
