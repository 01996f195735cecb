package bitnet.generation;

import bitnet.model.LanguageModel;
import bitnet.model.LlamaConfig;
import bitnet.runtime.KvCache;
import bitnet.runtime.TernaryLlama;
import java.util.List;

/// The packed runtime as a language model. One thread uses it at a time.
///
/// @param llama closed with this
public record TernaryLanguageModel(TernaryLlama llama) implements LanguageModel {

  @Override
  public LlamaConfig config() {
    return llama.config();
  }

  @Override
  public String description() {
    return llama.description();
  }

  @Override
  public Session begin(int capacity) {
    return new CachedSession(llama, llama.newCache(capacity));
  }

  @Override
  public void close() {
    llama.close();
  }

  private record CachedSession(TernaryLlama llama, KvCache cache) implements Session {
    @Override
    public int length() {
      return cache.length();
    }

    @Override
    public float[] advance(int... tokens) {
      return llama.advance(List.of(cache), List.of(tokens))[0];
    }

    @Override
    public void close() {
      cache.close();
    }
  }
}
