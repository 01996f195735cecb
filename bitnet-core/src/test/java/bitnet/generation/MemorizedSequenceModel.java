package bitnet.generation;

import bitnet.model.LanguageModel;
import bitnet.model.LlamaConfig;
import java.nio.charset.StandardCharsets;

/// A language model that knows one sequence by heart: after n tokens, whichever they are, it all
/// but demands the n-th token of the sequence.
record MemorizedSequenceModel(LlamaConfig config, int... sequence) implements LanguageModel {
  private static final float CERTAIN = 20;

  /// Recites tokens.
  static MemorizedSequenceModel of(int vocab, int context, int... sequence) {
    return new MemorizedSequenceModel(
        LlamaConfig.of(vocab, 8, 8, 1, 1).withContextLength(context), sequence);
  }

  /// Recites the bytes of a text, for the byte-level tokenizer.
  static MemorizedSequenceModel of(String text, int context) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int[] sequence = new int[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      sequence[i] = Byte.toUnsignedInt(bytes[i]);
    }
    return of(256, context, sequence);
  }

  @Override
  public String description() {
    return "a recital";
  }

  @Override
  public Session begin(int capacity) {
    return new Session() {
      private int length;

      @Override
      public int length() {
        return length;
      }

      @Override
      public float[] advance(int... tokens) {
        length += tokens.length;
        if (length > capacity) {
          throw new IllegalArgumentException("more than the capacity of " + capacity);
        }
        float[] logits = new float[config.vocabSize()];
        logits[sequence[length]] = CERTAIN;
        return logits;
      }

      @Override
      public void close() {
        length = 0;
      }
    };
  }

  @Override
  public void close() {}
}
