package bitnet.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class HugePageArenaTest {
  private static final long MIB = 1 << 20;

  @Test
  void piecesAreZeroAlignedAndApart() {
    try (HugePageArena arena = new HugePageArena()) {
      List<MemorySegment> pieces = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        MemorySegment piece = arena.allocate(3 * MIB + i, 64);
        assertThat(piece.byteSize()).isEqualTo(3 * MIB + i);
        assertThat(piece.address() % 64).isZero();
        assertThat(piece.get(ValueLayout.JAVA_BYTE, 0)).isZero();
        assertThat(piece.get(ValueLayout.JAVA_BYTE, piece.byteSize() - 1)).isZero();
        piece.fill((byte) (i + 1));
        pieces.add(piece);
      }
      for (int i = 0; i < 40; i++) {
        MemorySegment piece = pieces.get(i);
        assertThat(piece.get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) (i + 1));
        assertThat(piece.get(ValueLayout.JAVA_BYTE, piece.byteSize() - 1))
            .isEqualTo((byte) (i + 1));
      }
    }
  }

  @Test
  void aPieceMayBeLargerThanAMapping() {
    try (HugePageArena arena = new HugePageArena()) {
      MemorySegment piece = arena.allocate(1100 * MIB + 5, 64); // addresses, but no memory
      piece.set(ValueLayout.JAVA_BYTE, 1100 * MIB + 4, (byte) 1);
      assertThat(arena.allocate(5).byteSize()).isEqualTo(5);
    }
  }

  @Test
  void closedMemoryCannotBeRead() {
    HugePageArena arena = new HugePageArena();
    MemorySegment piece = arena.allocate(MIB, 64);
    arena.close();
    assertThatThrownBy(() -> piece.get(ValueLayout.JAVA_BYTE, 0))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> arena.allocate(8)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(arena::close).isInstanceOf(IllegalStateException.class);
  }
}
