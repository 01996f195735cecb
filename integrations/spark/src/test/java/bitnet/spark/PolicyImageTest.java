package bitnet.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bitnet.grpo.PolicyWeights;
import bitnet.model.ActivationScale;
import bitnet.model.AdapterWeights;
import bitnet.model.BlankWeights;
import bitnet.model.LatentInitializer;
import bitnet.model.LatentWeights;
import bitnet.model.LlamaConfig;
import bitnet.model.LoraSettings;
import bitnet.model.NewAdapter;
import bitnet.model.TensorSpec;
import bitnet.model.TernarizedWeights;
import bitnet.model.TernaryWeights;
import bitnet.quantization.TernaryRows;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class PolicyImageTest {
  private static final LlamaConfig CONFIG = LlamaConfig.of(300, 64, 96, 2, 2);
  private static final LoraSettings LORA = LoraSettings.ofRank(3).withNorms(true);

  static Stream<LlamaConfig> configs() {
    return Stream.of(
        CONFIG,
        CONFIG.withTiedHead(true).withTernaryEmbeddings(true),
        LlamaConfig.of(300, 64, 128, 2, 2)
            .withWeights(
                new LlamaConfig.Weights(false, 64, true, true, ActivationScale.INT8_GROUP)),
        LlamaConfig.of(40_000, 64, 96, 1, 2)); // an embedding of several blocks
  }

  private static BlankWeights latents(LlamaConfig config, long seed) {
    return new BlankWeights(config, new LatentInitializer(seed, 0.02));
  }

  private static PolicyWeights policy(LatentWeights latents) {
    return new PolicyWeights(new TernarizedWeights(latents), Optional.empty());
  }

  @ParameterizedTest
  @MethodSource("configs")
  void aPolicyAndItsChangesAreReadAsTheyWere(LlamaConfig config) throws IOException {
    byte[][] whole = PolicyImage.whole(policy(latents(config, 1)));
    PolicyWeights next = policy(new Changed(latents(config, 1)));

    byte[][] none = PolicyImage.changes(policy(latents(config, 1)), whole);
    byte[][] changes = PolicyImage.changes(next, whole);

    assertThat(PolicyImage.bytes(none)).isZero();
    assertThat(PolicyImage.bytes(changes)).isBetween(1L, PolicyImage.bytes(whole) / 2);
    assertSame(PolicyImage.policy(config, Optional.empty(), whole, none), latents(config, 1));
    assertSame(PolicyImage.policy(config, Optional.empty(), whole, changes), next);
  }

  @Test
  void anotherPolicyIsSentAsItIs() throws IOException {
    byte[][] whole = PolicyImage.whole(policy(latents(CONFIG, 1)));
    byte[][] other = PolicyImage.changes(policy(latents(CONFIG, 2)), whole);

    assertThat(PolicyImage.bytes(other))
        .isBetween(PolicyImage.bytes(whole) * 4 / 5, PolicyImage.bytes(whole) * 6 / 5);
    assertSame(PolicyImage.policy(CONFIG, Optional.empty(), whole, other), latents(CONFIG, 2));
  }

  @Test
  void ofAnAdapterItsOwnBlocksChangeOnly() throws IOException {
    TernaryWeights base = new TernarizedWeights(latents(CONFIG, 1));
    AdapterWeights first = NewAdapter.of(LORA, base, 1);
    AdapterWeights second = NewAdapter.of(LORA, base, 2);
    byte[][] whole = PolicyImage.whole(new PolicyWeights(base, Optional.of(first)));
    byte[][] changes = PolicyImage.changes(new PolicyWeights(base, Optional.of(second)), whole);

    PolicyWeights read = PolicyImage.policy(CONFIG, Optional.of(LORA), whole, changes);

    assertThat(PolicyImage.bytes(changes)).isBetween(1L, LORA.parameterCount(CONFIG) * Float.BYTES);
    for (TensorSpec tensor : LORA.tensors(CONFIG)) {
      assertThat(values(tensor, target -> read.adapter().orElseThrow().read(tensor, target)))
          .isEqualTo(values(tensor, target -> second.read(tensor, target)));
    }
  }

  @Test
  void aDamagedBlockIsRefused() throws IOException {
    byte[] block = BlockCodec.whole(new byte[] {1, 2, 3, 4, 5, 6, 7, 8}, Float.BYTES);
    block[block.length - 1] ^= 1;

    assertThatThrownBy(() -> BlockCodec.decoded(block, null))
        .isInstanceOf(IOException.class)
        .hasMessage("a block of the policy is damaged");
  }

  private static void assertSame(PolicyWeights actual, LatentWeights expected) throws IOException {
    assertSame(actual, policy(expected));
  }

  private static void assertSame(PolicyWeights actual, PolicyWeights expected) throws IOException {
    for (TensorSpec tensor : expected.weights().config().tensors()) {
      if (tensor.kind() == TensorSpec.Kind.TERNARY) {
        assertSame(actual.weights().ternary(tensor), expected.weights().ternary(tensor));
      } else {
        int rows = tensor.isMatrix() ? tensor.rows() : 1;
        assertThat(values(tensor, out -> actual.weights().readRows(tensor, 0, rows, out)))
            .isEqualTo(values(tensor, out -> expected.weights().readRows(tensor, 0, rows, out)));
      }
    }
  }

  private static void assertSame(TernaryRows actual, TernaryRows expected) {
    byte[] read = new byte[3 * expected.columns()];
    byte[] wanted = new byte[read.length];
    for (int row = 0; row + 3 <= expected.rows(); row++) {
      actual.unpack(row, 3, read);
      expected.unpack(row, 3, wanted);
      assertThat(read).isEqualTo(wanted);
      for (int group = 0; group < expected.columns() / expected.groupColumns(); group++) {
        assertThat(actual.scale(row, group)).isEqualTo(expected.scale(row, group));
      }
    }
    assertThat(List.of(actual.rows(), actual.groupColumns(), actual.isGrouped()))
        .isEqualTo(List.of(expected.rows(), expected.groupColumns(), expected.isGrouped()));
  }

  private interface Reading {
    void into(MemorySegment target) throws IOException;
  }

  private static float[] values(TensorSpec tensor, Reading reading) throws IOException {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment target = arena.allocate(tensor.count() * Float.BYTES, Float.BYTES);
      reading.into(target);
      return target.toArray(ValueLayout.JAVA_FLOAT);
    }
  }

  /// Weights after a small step: every hundredth latent has another value.
  private record Changed(LatentWeights before) implements LatentWeights {
    @Override
    public LlamaConfig config() {
      return before.config();
    }

    @Override
    public void read(TensorSpec tensor, MemorySegment target) throws IOException {
      before.read(tensor, target);
      for (long i = 0; i < tensor.count(); i += 100) {
        float value = target.getAtIndex(ValueLayout.JAVA_FLOAT, i);
        target.setAtIndex(ValueLayout.JAVA_FLOAT, i, -1.01f * value);
      }
    }
  }
}
