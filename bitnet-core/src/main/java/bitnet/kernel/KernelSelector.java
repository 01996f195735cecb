package bitnet.kernel;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/// Chooses the kernels of this machine: native, else vector, else scalar.
public final class KernelSelector {
  private static final String AUTOMATIC = "auto";

  private KernelSelector() {}

  /// The providers, the fastest first.
  private enum Provider {
    NATIVE,
    VECTOR,
    SCALAR;

    TernaryKernels open() throws UnavailableException {
      return switch (this) {
        case NATIVE -> NativeKernels.open();
        case VECTOR -> VectorModule.open();
        case SCALAR -> new ScalarKernels();
      };
    }

    String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /// The kernels of a name: `auto` is the fastest that can run here; `native` is C through the
  /// foreign function interface, or one of its instruction sets, for example `avx2`; `vector` the
  /// JDK's Vector API, `scalar` plain Java.
  ///
  /// @throws IllegalArgumentException if there are no such kernels or they cannot run here, and why
  public static TernaryKernels select(String name) {
    List<Provider> candidates =
        Arrays.stream(Provider.values())
            .filter(provider -> name.equals(AUTOMATIC) || name.equals(provider.label()))
            .toList();
    if (candidates.isEmpty()) {
      return selectInstructionSet(name);
    }
    List<String> reasons = new ArrayList<>();
    for (Provider provider : candidates) {
      try {
        return provider.open();
      } catch (UnavailableException reason) {
        reasons.add(reason.getMessage());
      }
    }
    throw new IllegalArgumentException(
        "kernel %s cannot run here: %s; use `kernel` auto"
            .formatted(name, String.join("; ", reasons)));
  }

  /// Refuses a name that [#select] does not know, without choosing any kernels.
  ///
  /// @throws IllegalArgumentException listing the names that are known here
  public static void requireKnown(String name) {
    boolean provider = Arrays.stream(Provider.values()).map(Provider::label).anyMatch(name::equals);
    if (!provider && !name.equals(AUTOMATIC)) {
      selectInstructionSet(name);
    }
  }

  private static TernaryKernels selectInstructionSet(String name) {
    List<String> names = new ArrayList<>(List.of("native", "vector", "scalar"));
    for (NativeKernels kernels : instructionSets()) {
      if (kernels.instructionSet().equals(name)) {
        return kernels;
      }
      names.add(kernels.instructionSet());
    }
    throw new IllegalArgumentException(
        "kernel \"%s\" is unknown here; use auto or one of %s"
            .formatted(name, String.join(", ", names)));
  }

  /// The C kernels, of every instruction set that runs here.
  private static List<NativeKernels> instructionSets() {
    try {
      return NativeKernels.openAll();
    } catch (UnavailableException none) {
      return List.of();
    }
  }

  /// A line for each provider: whether it is taken, could run here as well, or why it cannot.
  public static List<String> reasons() {
    List<String> reasons = new ArrayList<>();
    boolean taken = false;
    for (Provider provider : Provider.values()) {
      try {
        String name = provider.open().name();
        String others = provider == Provider.NATIVE ? otherInstructionSets() : "";
        reasons.add(provider.label() + (taken ? ": can run, " : ": taken, ") + name + others);
        taken = true;
      } catch (UnavailableException reason) {
        reasons.add(provider.label() + ": " + reason.getMessage());
      }
    }
    return reasons;
  }

  /// For people: the sets besides the best, if any.
  private static String otherInstructionSets() {
    String others =
        instructionSets().stream()
            .skip(1)
            .map(NativeKernels::instructionSet)
            .collect(Collectors.joining(", "));
    return others.isEmpty() ? "" : " (as well: " + others + ")";
  }

  /// Says why a provider cannot run.
  static final class UnavailableException extends Exception {
    private static final long serialVersionUID = 1;

    UnavailableException(String reason) {
      super(reason);
    }
  }
}
