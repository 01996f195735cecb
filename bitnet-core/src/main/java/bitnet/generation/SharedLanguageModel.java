package bitnet.generation;

import bitnet.model.LanguageModel;
import bitnet.model.LlamaConfig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Supplier;

/// A language model that many threads use: a queue in front of one engine thread, which opens the
/// model, computes everything and closes it. Sequences of several threads take turns token by
/// token.
final class SharedLanguageModel implements LanguageModel {
  private final ExecutorService engine =
      Executors.newSingleThreadExecutor(
          Thread.ofPlatform().daemon().name("bitnet-engine").factory());
  private final LanguageModel model;

  /// Opens a model on the engine thread.
  @FunctionalInterface
  interface Opener {
    LanguageModel open() throws IOException;
  }

  SharedLanguageModel(Opener opener) throws IOException {
    try {
      this.model =
          call(
              () -> {
                try {
                  return opener.open();
                } catch (IOException failure) {
                  throw new UncheckedIOException(failure);
                }
              });
    } catch (UncheckedIOException failure) {
      engine.shutdown();
      throw failure.getCause();
    } catch (RuntimeException | Error failure) {
      engine.shutdown();
      throw failure;
    }
  }

  private <T> T call(Supplier<T> work) {
    try {
      return engine.submit(work::get).get();
    } catch (RejectedExecutionException | CancellationException closed) {
      throw new IllegalStateException("the model is closed", closed);
    } catch (ExecutionException failure) {
      switch (failure.getCause()) {
        case RuntimeException unchecked -> throw unchecked;
        case Error error -> throw error;
        case null, default -> throw new IllegalStateException(failure.getCause());
      }
    } catch (InterruptedException interruption) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while the model computed", interruption);
    }
  }

  @Override
  public LlamaConfig config() {
    return model.config();
  }

  @Override
  public String description() {
    return model.description();
  }

  @Override
  public Session begin(int capacity) {
    return new SharedSession(call(() -> model.begin(capacity)));
  }

  /// Waits for what is being computed, then closes the model. Later calls are refused.
  @Override
  public void close() {
    if (!engine.isShutdown()) {
      engine.execute(model::close);
      engine.close();
    }
  }

  private final class SharedSession implements Session {
    private final Session session;

    SharedSession(Session session) {
      this.session = session;
    }

    @Override
    public int length() {
      return session.length();
    }

    @Override
    public float[] advance(int... tokens) {
      return call(() -> session.advance(tokens));
    }

    @Override
    public void close() {
      if (!engine.isShutdown()) {
        call(
            () -> {
              session.close();
              return 0;
            });
      }
    }
  }
}
