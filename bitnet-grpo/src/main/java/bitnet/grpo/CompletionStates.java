package bitnet.grpo;

import bitnet.runtime.KvCache;
import bitnet.runtime.TernaryLlama;
import bitnet.training.PromptCompletion;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// The hidden states from which a packed policy predicts the tokens of completions.
final class CompletionStates implements AutoCloseable {

  /// Tokens that go through the model together: enough to fill the kernels' tiles.
  private static final int BATCH_TOKENS = 2048;

  private final TernaryLlama llama;
  private final List<KvCache> caches = new ArrayList<>();

  private CompletionStates(TernaryLlama llama) {
    this.llama = llama;
  }

  /// The final hidden states before each completion token, `[completionTokens, hidden]`. Texts that
  /// follow each other with one prompt share its computation.
  static float[] of(TernaryLlama llama, List<? extends PromptCompletion> texts) {
    int width = llama.config().hiddenSize();
    float[] states =
        new float[texts.stream().mapToInt(text -> text.completion().length).sum() * width];
    int done = 0;
    for (int first = 0; first < texts.size(); ) {
      int end = first;
      int tokens = 0;
      while (end < texts.size()
          && (end == first || tokens + texts.get(end).inputs() <= BATCH_TOKENS)) {
        tokens += texts.get(end++).inputs();
      }
      try (CompletionStates batch = new CompletionStates(llama)) {
        float[] some = batch.states(texts.subList(first, end));
        System.arraycopy(some, 0, states, done, some.length);
        done += some.length;
      }
      first = end;
    }
    return states;
  }

  private float[] states(List<? extends PromptCompletion> texts) {
    List<KvCache> forks = fork(texts);
    List<int[]> inputs = new ArrayList<>();
    for (PromptCompletion text : texts) {
      int[] completion = text.completion();
      int[] read = new int[completion.length];
      read[0] = text.prompt()[text.prompt().length - 1];
      System.arraycopy(completion, 0, read, 1, completion.length - 1);
      inputs.add(read);
    }
    return llama.hidden(forks, inputs);
  }

  /// A cache for each text that holds its prompt, but for the last token.
  private List<KvCache> fork(List<? extends PromptCompletion> texts) {
    List<KvCache> prompts = new ArrayList<>();
    List<int[]> read = new ArrayList<>();
    int[] promptOf = new int[texts.size()];
    int[] last = {};
    for (int i = 0; i < texts.size(); i++) {
      int[] prompt = texts.get(i).prompt();
      if (i == 0 || !Arrays.equals(prompt, last)) {
        prompts.add(open(prompt.length));
        read.add(Arrays.copyOf(prompt, prompt.length - 1));
      }
      last = prompt;
      promptOf[i] = prompts.size() - 1;
    }
    prefill(prompts, read);
    List<KvCache> forks = new ArrayList<>();
    for (int i = 0; i < promptOf.length; i++) {
      KvCache fork = open(texts.get(i).inputs());
      fork.forkFrom(prompts.get(promptOf[i]));
      forks.add(fork);
    }
    return forks;
  }

  private KvCache open(int capacity) {
    KvCache cache = llama.newCache(capacity);
    caches.add(cache);
    return cache;
  }

  /// Prompts of one token leave nothing to read ahead of it.
  private void prefill(List<KvCache> prompts, List<int[]> read) {
    List<KvCache> some = new ArrayList<>();
    List<int[]> tokens = new ArrayList<>();
    List<int[]> targets = new ArrayList<>();
    for (int i = 0; i < prompts.size(); i++) {
      if (read.get(i).length > 0) {
        some.add(prompts.get(i));
        tokens.add(read.get(i));
        int[] none = new int[read.get(i).length];
        Arrays.fill(none, -1);
        targets.add(none);
      }
    }
    if (!some.isEmpty()) {
      llama.score(some, tokens, targets);
    }
  }

  @Override
  public void close() {
    caches.forEach(KvCache::close);
  }
}
