package bitnet.format.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bitnet.format.DType;
import bitnet.format.TensorHeader;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SafetensorsWriterTest {
  @TempDir private Path directory;

  private static MemorySegment floats(float... values) {
    return MemorySegment.ofArray(values);
  }

  @Test
  void whatIsWrittenInChunksAndInAnyOrderIsReadBack() throws IOException {
    Path file = directory.resolve("model.safetensors");
    List<TensorHeader> tensors =
        List.of(
            TensorHeader.of("packed", DType.U8, 3),
            TensorHeader.of("matrix", DType.F32, 2, 2),
            TensorHeader.of("scalar", DType.F64),
            TensorHeader.of("nothing", DType.I16, 0, 7));
    try (SafetensorsWriter writer =
        SafetensorsWriter.create(file, tensors, Map.of("format", "pt", "note", "\u00e4\n\""))) {
      writer.write("packed", MemorySegment.ofArray(new byte[] {1, 2}));
      writer.writeFloats("matrix", floats(1, 2, 3));
      writer.writeFloats("scalar", floats(0.5f));
      writer.writeFloats("matrix", floats(4));
      writer.write("packed", MemorySegment.ofArray(new byte[] {3}));
      writer.commit();
    }

    try (SafetensorsFile read = SafetensorsFile.open(file)) {
      assertThat(read.metadata()).isEqualTo(Map.of("format", "pt", "note", "\u00e4\n\""));
      assertThat(read.entries())
          .extracting(TensorEntry::name)
          .containsExactly("scalar", "matrix", "nothing", "packed");
      assertThat(read.readFloats(read.require("matrix"))).containsExactly(1, 2, 3, 4);
      assertThat(read.readFloats(read.require("scalar"))).containsExactly(0.5f);
      assertThat(read.require("nothing").hasShape(0, 7)).isTrue();
      assertThat(read.data(read.require("packed")).toArray(ValueLayout.JAVA_BYTE))
          .containsExactly(1, 2, 3);
    }
    assertThat(Files.size(file) % 8).isEqualTo(3);
    assertThat(everythingIn(directory)).containsExactly("model.safetensors");
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F64", "F32", "F16", "BF16"})
  void aTensorLongerThanTheWritersBufferIsReadBackInEveryFloatType(DType dtype) throws IOException {
    Path file = directory.resolve("long.safetensors");
    int rows = 1000;
    int columns = 400;
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = (i % 255 - 127) / 64f; // eight significant bits: exact in bf16 as well
    }
    try (SafetensorsWriter writer =
        SafetensorsWriter.create(
            file, List.of(TensorHeader.of("w", dtype, rows, columns)), Map.of())) {
      writer.writeFloats("w", floats(values));
      writer.commit();
    }

    try (SafetensorsFile read = SafetensorsFile.open(file)) {
      TensorEntry entry = read.require("w");
      assertThat(read.readFloats(entry)).isEqualTo(values);
      float[] row = new float[2 * columns];
      read.readFloats(entry, 7, 2, MemorySegment.ofArray(row));
      assertThat(row).startsWith(values[7 * columns]).endsWith(values[9 * columns - 1]);
    }
  }

  @Test
  void anAbandonedFileLeavesTheOldOneAndNoTrace() throws IOException {
    Path file = Files.writeString(directory.resolve("old"), "old");
    List<TensorHeader> tensors = List.of(TensorHeader.of("w", DType.U8, 4));
    try (SafetensorsWriter writer = SafetensorsWriter.create(file, tensors, Map.of())) {
      writer.write("w", MemorySegment.ofArray(new byte[3]));
      assertThat(everythingIn(directory)).containsExactlyInAnyOrder("old", "old.part");
      assertThatThrownBy(writer::commit)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("tensor 'w'")
          .hasMessageContaining("lacks 1 of 4 bytes");
    }
    assertThat(everythingIn(directory)).containsExactly("old");
    assertThat(file).hasContent("old");
  }

  @Test
  void aTensorTakesExactlyItsBytes() throws IOException {
    List<TensorHeader> tensors = List.of(TensorHeader.of("w", DType.U8, 4));
    try (SafetensorsWriter writer =
        SafetensorsWriter.create(directory.resolve("f"), tensors, Map.of())) {
      assertThatThrownBy(() -> writer.write("w", MemorySegment.ofArray(new byte[5])))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("has room for 4 bytes more, not for 5");
      assertThatThrownBy(() -> writer.write("v", MemorySegment.ofArray(new byte[1])))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("tensor 'v' was not declared");
    }
  }

  @Test
  void aFileBeyondTwoGibibytesIsReadAtItsEnd() throws IOException {
    Path file = directory.resolve("large.safetensors");
    long rows = 700_000;
    long columns = 1024;
    String header =
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[%d,%d],\"data_offsets\":[0,%d]}}"
            .formatted(rows, columns, rows * columns * 4);
    ByteBuffer begin = ByteBuffer.allocate(8 + header.length()).order(ByteOrder.LITTLE_ENDIAN);
    begin.putLong(header.length()).put(header.getBytes(StandardCharsets.US_ASCII)).flip();
    ByteBuffer last = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putFloat(0, 1.5f);
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      long end = begin.remaining() + rows * columns * 4;
      channel.write(begin, 0);
      channel.write(last, end - 4); // the rest is a hole, which takes no room on the disk
    }

    try (SafetensorsFile read = SafetensorsFile.open(file)) {
      float[] row = new float[(int) columns];
      read.readFloats(read.require("w"), rows - 1, 1, MemorySegment.ofArray(row));
      assertThat(row).startsWith(0).endsWith(1.5f);
    }
  }

  @Test
  void aMissingDirectoryAndADirectoryInPlaceOfTheFileAreNamed() {
    List<TensorHeader> tensors = List.of(TensorHeader.of("w", DType.U8, 4));
    assertThatThrownBy(() -> SafetensorsWriter.create(directory.resolve("no/f"), tensors, Map.of()))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessage(directory.resolve("no").toString());
    assertThatThrownBy(() -> SafetensorsWriter.create(directory, tensors, Map.of()))
        .isInstanceOf(IOException.class)
        .hasMessage(directory + ": is a directory; give the name of a file");
  }

  @Test
  void aNameIsDeclaredOnce() {
    TensorHeader tensor = TensorHeader.of("w", DType.U8, 4);
    assertThatThrownBy(
            () ->
                SafetensorsWriter.create(directory.resolve("f"), List.of(tensor, tensor), Map.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("tensor 'w' is declared twice");
    assertThat(directory).isEmptyDirectory();
  }

  private static List<String> everythingIn(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(file -> String.valueOf(file.getFileName())).toList();
    }
  }
}
