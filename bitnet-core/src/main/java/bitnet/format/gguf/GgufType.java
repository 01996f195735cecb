package bitnet.format.gguf;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/// The element types of GGUF tensors. The constant's name is ggml's; types that this toolkit cannot
/// decode are listed for their size and their name in messages.
public enum GgufType {
  /// IEEE 754 binary32.
  F32(0, 1, 4, Form.FLOAT),
  /// IEEE 754 binary16.
  F16(1, 1, 2, Form.FLOAT),
  Q4_0(2, 32, 18, Form.OTHER),
  Q4_1(3, 32, 20, Form.OTHER),
  Q5_0(6, 32, 22, Form.OTHER),
  Q5_1(7, 32, 24, Form.OTHER),
  /// 32 signed bytes with a binary16 scale.
  Q8_0(8, 32, 34, Form.FLOAT),
  Q2_K(10, 256, 84, Form.OTHER),
  Q3_K(11, 256, 110, Form.OTHER),
  Q4_K(12, 256, 144, Form.OTHER),
  Q5_K(13, 256, 176, Form.OTHER),
  /// 256 values of six bits, a signed byte of scale for 16, a binary16 scale for all.
  Q6_K(14, 256, 210, Form.FLOAT),
  IQ2_XXS(16, 256, 66, Form.OTHER),
  IQ2_XS(17, 256, 74, Form.OTHER),
  IQ3_XXS(18, 256, 98, Form.OTHER),
  IQ1_S(19, 256, 50, Form.OTHER),
  IQ4_NL(20, 32, 18, Form.OTHER),
  IQ3_S(21, 256, 110, Form.OTHER),
  IQ2_S(22, 256, 82, Form.OTHER),
  IQ4_XS(23, 256, 136, Form.OTHER),
  I8(24, 1, 1, Form.OTHER),
  I16(25, 1, 2, Form.OTHER),
  I32(26, 1, 4, Form.OTHER),
  I64(27, 1, 8, Form.OTHER),
  /// IEEE 754 binary64.
  F64(28, 1, 8, Form.FLOAT),
  IQ1_M(29, 256, 56, Form.OTHER),
  /// The upper half of a binary32.
  BF16(30, 1, 2, Form.FLOAT),
  /// 256 trits, five a byte, with a binary16 scale.
  TQ1_0(34, 256, 54, Form.TERNARY),
  /// 256 trits, four per byte, with a binary16 scale.
  TQ2_0(35, 256, 66, Form.TERNARY),
  /// 128 trits, four per byte; one binary32 scale after the whole tensor. In microsoft/BitNet's
  /// fork of llama.cpp only.
  I2_S(36, 128, 32, Form.TERNARY),
  MXFP4(39, 32, 17, Form.OTHER),
  /// 64 trits, four per byte, behind a binary16 scale.
  Q2_0(42, 64, 18, Form.GROUP_TERNARY),
  /// The same for 128 trits, under the same number, in files of 2026 before that.
  Q2_0_128(42, 128, 34, Form.GROUP_TERNARY),
  /// 128 trits, four per byte, behind a binary16 scale.
  PQ2_0(142, 128, 34, Form.GROUP_TERNARY),
  /// 128 trits, five a byte, with a binary16 scale.
  PTQ1_0(143, 128, 28, Form.GROUP_TERNARY);

  public static final int I2_S_TAIL_BYTES = 32; // the scale and padding

  private final int id;
  private final int blockValues;
  private final int blockBytes;
  private final Form form;

  /// What the elements are for this toolkit.
  private enum Form {
    TERNARY,
    GROUP_TERNARY,
    FLOAT,
    OTHER
  }

  GgufType(int id, int blockValues, int blockBytes, Form form) {
    this.id = id;
    this.blockValues = blockValues;
    this.blockBytes = blockBytes;
    this.form = form;
  }

  /// The number in a file.
  public int id() {
    return id;
  }

  /// Values that are stored together; the columns of a tensor are a multiple of it.
  public int blockValues() {
    return blockValues;
  }

  /// The size of a block in bytes.
  public int blockBytes() {
    return blockBytes;
  }

  /// Whether elements are trits with scales.
  public boolean isTernary() {
    return form == Form.TERNARY || form == Form.GROUP_TERNARY;
  }

  /// Whether the scales of blocks are the model's own, so that those of a row differ.
  public boolean hasGroupScales() {
    return form == Form.GROUP_TERNARY;
  }

  /// Whether this toolkit can decode the type.
  public boolean isReadable() {
    return form != Form.OTHER;
  }

  /// The size of a tensor in bytes.
  ///
  /// @param count values, a multiple of [#blockValues]
  /// @throws ArithmeticException if it overflows
  public long bytes(long count) {
    long blocks = Math.multiplyExact(count / blockValues, (long) blockBytes);
    return this == I2_S ? Math.addExact(blocks, I2_S_TAIL_BYTES) : blocks;
  }

  /// The type of a number; of two that share one, the newer.
  static Optional<GgufType> of(int id) {
    return Arrays.stream(values()).filter(type -> type.id == id).findFirst();
  }

  public static String readable() {
    return Arrays.stream(values())
        .filter(type -> type.isReadable() && type != Q2_0_128)
        .map(GgufType::name)
        .collect(Collectors.joining(", "));
  }
}
