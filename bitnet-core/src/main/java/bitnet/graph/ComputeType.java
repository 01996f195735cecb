package bitnet.graph;

import java.util.Locale;

/// The number format in which the graph multiplies matrices. Parameters, gradients and everything
/// between the products are fp32 in each of them.
public enum ComputeType {
  /// fp32 products.
  FP32(0),
  /// bf16 operands and results, for processors that multiply bf16 natively.
  BF16(1),
  /// Operands rounded to bf16 and multiplied in fp32: the values of bf16 training on processors
  /// without bf16 instructions, where libtorch's own bf16 product is 30 times slower than fp32.
  BF16_ON_FP32(2);

  private final long mode;

  ComputeType(int mode) {
    this.mode = mode;
  }

  /// The type of `--dtype`.
  ///
  /// @param name `fp32`; `bf16`; or `auto`, which is bf16 where the processor has it, else fp32
  /// @param nativeBf16 whether the processor multiplies bf16
  /// @throws IllegalArgumentException if it is none of these
  public static ComputeType of(String name, boolean nativeBf16) {
    return switch (name) {
      case "fp32" -> FP32;
      case "bf16" -> nativeBf16 ? BF16 : BF16_ON_FP32;
      case "auto" -> nativeBf16 ? BF16 : FP32;
      default ->
          throw new IllegalArgumentException(
              "dtype \"%s\" is not known; use auto, fp32 or bf16".formatted(name));
    };
  }

  /// Its name in checkpoints.
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /// The number that stands for it in tensor_ops.py.
  long mode() {
    return mode;
  }
}
