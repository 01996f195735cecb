package bitnet.checkpoint;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import bitnet.format.CheckpointException;
import bitnet.format.gguf.GgufBytes;
import bitnet.format.gguf.GgufFile;
import bitnet.format.gguf.GgufHeader;
import bitnet.format.gguf.GgufValueType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(60)
class HostileGgufTest {
  private static final int F32 = 0;
  private static final int TQ2 = 35;
  private static final long HUGE = 1L << 62;

  @TempDir private Path directory;

  private static Arguments nasty(String name, byte[] bytes, String message) {
    return arguments(name, bytes, message);
  }

  private static byte[] one(int type, long offset, int data, long... dimensions) {
    return GgufBytes.file(3, 1, 0).tensor("w", type, offset, dimensions).data(data);
  }

  private static GgufBytes two(String first, String second, long secondOffset) {
    return GgufBytes.file(3, 2, 0).tensor(first, F32, 0, 8).tensor(second, F32, secondOffset, 8);
  }

  private static GgufBytes key(String name, GgufValueType type) {
    return GgufBytes.file(3, 0, 1).key(name, type);
  }

  private static GgufBytes array(GgufValueType element, long count) {
    return key("k", GgufValueType.ARRAY).u32(element.id()).u64(count);
  }

  static Stream<Arguments> hostileBeginnings() {
    return Stream.of(
        nasty("empty file", new byte[0], "does not begin with GGUF"),
        nasty("another magic", new GgufBytes().u32(0x04034b50).bytes(), "does not begin with GGUF"),
        nasty(
            "nothing but the magic", new GgufBytes().u32(GgufHeader.MAGIC).bytes(), "the version"),
        nasty("version 1", GgufBytes.file(1, 0, 0).bytes(), "is GGUF version 1; supported are 2"),
        nasty("version 4", GgufBytes.file(4, 0, 0).bytes(), "is GGUF version 4; supported are 2"),
        nasty("big-endian", GgufBytes.file(3 << 24, 0, 0).bytes(), "is a big-endian GGUF file"),
        nasty("no counts", new GgufBytes().u32(GgufHeader.MAGIC).u32(3).bytes(), "tensor count"),
        nasty("2^62 tensors", GgufBytes.file(3, HUGE, 0).data(64), "4611686018427387904 tensors"),
        nasty("-1 tensors", GgufBytes.file(3, -1, 0).data(64), "18446744073709551615 tensors"),
        nasty("more tensors than bytes", GgufBytes.file(3, 9_999, 0).data(64), "has 9999 tensors"),
        nasty("2^62 keys", GgufBytes.file(3, 0, HUGE).data(64), "metadata count at byte 16"),
        nasty("-1 keys", GgufBytes.file(3, 0, -1).data(64), "is 18446744073709551615, but"),
        nasty("a million keys", GgufBytes.file(3, 0, 1_000_000).data(2_000_000), "at most 10000"));
  }

  static Stream<Arguments> hostileMetadata() {
    return Stream.of(
        nasty("key of 2^62 bytes", GgufBytes.file(3, 0, 1).u64(HUGE).data(64), "the key of metad"),
        nasty("key of -1 bytes", GgufBytes.file(3, 0, 1).u64(-1).data(64), "18446744073709551615"),
        nasty(
            "key of 70,000 bytes",
            key("k".repeat(70_000), GgufValueType.BOOL).data(64),
            "at most 65535 are allowed"),
        nasty("empty key", key("", GgufValueType.BOOL).data(32), "a metadata key is empty"),
        nasty(
            "key that is no UTF-8",
            GgufBytes.file(3, 0, 1).u64(2).raw((byte) 0xC3, (byte) 0x28).data(32),
            "is not UTF-8"),
        nasty("type 13", GgufBytes.file(3, 0, 1).text("k").u32(13).data(32), "unknown type 13"),
        nasty("type -1", GgufBytes.file(3, 0, 1).text("k").u32(-1).data(32), "type 4294967295"),
        nasty(
            "value cut off", key("k", GgufValueType.UINT64).u32(1).bytes(), "takes 8 bytes but 4"),
        nasty(
            "the same key twice",
            GgufBytes.file(3, 0, 2).number("k", 1).number("k", 2).data(32),
            "metadata 'k' occurs twice"),
        nasty(
            "string of 2^62", key("k", GgufValueType.STRING).u64(HUGE).data(64), "takes 46116860"),
        nasty(
            "string of -1", key("k", GgufValueType.STRING).u64(-1).data(64), "1844674407370955161"),
        nasty("array of 2^62 bytes", array(GgufValueType.UINT8, HUGE).data(64), "'k''s count at"),
        nasty(
            "array of -1 bytes", array(GgufValueType.UINT8, -1).data(64), "is 184467440737095516"),
        nasty(
            "2^61 longs overflow", array(GgufValueType.INT64, 1L << 61).data(64), "hold at most 9"),
        nasty("array of strings", array(GgufValueType.STRING, 100).data(64), "hold at most"),
        nasty(
            "array of one long string",
            array(GgufValueType.STRING, 1).u64(HUGE).data(64),
            "takes 4611686018427387904 bytes"),
        nasty("array of nothing known", key("k", GgufValueType.ARRAY).u32(99).data(64), "type 99"),
        nasty("deep arrays", deep(5), "more than 4 deep"),
        nasty("very deep arrays", deep(100_000), "more than 4 deep"),
        nasty("alignment 0", alignment(0), "'general.alignment' is 0; it must be a whole"),
        nasty("alignment 24", alignment(24), "is 24; it must be a power of 2"),
        nasty("alignment 2^30", alignment(1 << 30), "is 1073741824; it must be a whole number"),
        nasty(
            "alignment as text",
            key("general.alignment", GgufValueType.STRING).text("32").data(32),
            "is STRING; it must be a whole number"));
  }

  private static byte[] alignment(int value) {
    return GgufBytes.file(3, 0, 1).number("general.alignment", value).data(32);
  }

  private static byte[] deep(int depth) {
    GgufBytes bytes = key("k", GgufValueType.ARRAY);
    for (int i = 0; i < depth; i++) {
      bytes.u32(GgufValueType.ARRAY.id()).u64(1);
    }
    return bytes.u32(0).u64(0).data(32);
  }

  static Stream<Arguments> hostileTensors() {
    return Stream.of(
        nasty(
            "name of 2^62 bytes", GgufBytes.file(3, 1, 0).u64(HUGE).data(64), "the name of tenso"),
        nasty("empty name", two("", "b", 32).data(64), "the name is empty"),
        nasty("line break in a name", two("a\nb", "c", 32).data(64), "tensor 'a\\u000ab'"),
        nasty(
            "name like a path", two("../../etc/passwd", "b", 0).data(64), "inside another tensor"),
        nasty("the same name twice", two("w", "w", 32).data(64), "tensor 'w': occurs twice"),
        nasty("no dimensions", one(F32, 0, 64), "has 0 dimensions; it must be 1 to 4"),
        nasty("5 dimensions", one(F32, 0, 64, 1, 1, 1, 1, 1), "has 5 dimensions"),
        nasty("dimension 0", one(F32, 0, 64, 0), "shape [0] holds 0; a dimension is at least 1"),
        nasty("dimension 0 hides another", one(F32, 0, 64, 0, HUGE), "holds"),
        nasty("dimension -1", one(F32, 0, 64, -1), "holds 18446744073709551615"),
        nasty("product overflows", one(F32, 0, 64, 1L << 32, 1L << 32), "overflows"),
        nasty(
            "size overflows", one(F32, 0, 64, HUGE), "the size of shape [4611686018427387904] ov"),
        nasty("product wraps to 4", one(F32, 0, 64, (1L << 62) + 1, 4), "overflows"),
        nasty("unknown type", one(4, 0, 64, 8), "has the unknown type 4; supported are F32"),
        nasty("type -1", one(-1, 0, 64, 8), "has the unknown type 4294967295"),
        nasty(
            "part of a block", one(TQ2, 0, 64, 255), "has 255 columns; TQ2_0 needs a multiple of"),
        nasty("rows of part of a block", one(TQ2, 0, 132, 128, 4), "has 128 columns; TQ2_0 needs"),
        nasty("data beyond the end", one(F32, 0, 28, 8), "takes 32 bytes from byte 0 of the data"),
        nasty(
            "offset beyond the end", one(F32, 64, 32, 8), "from byte 64 of the data, which end at"),
        nasty("offset 2^62", one(F32, HUGE, 32, 8), "the file is truncated"),
        nasty(
            "offset -32", one(F32, -32, 32, 8), "begins at byte 18446744073709551584 of the data"),
        nasty("misaligned", one(F32, 8, 64, 8), "not a multiple of the alignment 32"),
        nasty("the same place twice", two("a", "b", 0).data(64), "inside another tensor"),
        nasty(
            "overlap",
            GgufBytes.file(3, 2, 0).tensor("a", F32, 0, 16).tensor("b", F32, 32, 8).data(64),
            "tensor 'b': begins at byte 32 of the data, inside another tensor"),
        nasty("header cut off", GgufBytes.file(3, 1, 0).text("w").u32(1).u64(8).data(0), "tensor"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource({"hostileBeginnings", "hostileMetadata", "hostileTensors"})
  void aHostileFileIsRefusedWithItsNameAndTheReason(String name, byte[] bytes, String message)
      throws IOException {
    Path file = Files.write(directory.resolve("nasty.gguf"), bytes);
    assertThatThrownBy(() -> GgufFile.open(file).close())
        .as(name)
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(file + ": ")
        .hasMessageContaining(message)
        .message()
        .doesNotContain("\n");
  }

  @Test
  void strangeButValidFilesAreRead() throws IOException {
    byte[][] files = {
      GgufBytes.file(2, 0, 0).bytes(),
      GgufBytes.file(3, 1, 0).tensor("w", F32, 0, 8).data(32),
      // a gap, an order of its own, bytes behind the last tensor
      GgufBytes.file(3, 2, 0).tensor("b", F32, 96, 8).tensor("a", F32, 0, 8).data(1000),
      deep(3),
      GgufBytes.file(3, 1, 0).tensor("../../etc/passwd", F32, 0, 2, 2, 2, 1).data(32),
    };
    for (byte[] bytes : files) {
      Path file = Files.write(directory.resolve("strange.gguf"), bytes);
      assertThatCode(() -> GgufFile.open(file).close()).doesNotThrowAnyException();
    }
  }
}
