package bitnet.spark;

import bitnet.data.DocumentReader;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.apache.spark.TaskContext;
import org.apache.spark.util.TaskCompletionListener;
import org.jspecify.annotations.Nullable;

/// The documents of some files, one after the other. A thread reads ahead by a few documents.
final class CorpusDocuments implements Iterator<CorpusDocuments.Document> {
  private static final int AHEAD = 8;

  private final Iterator<CorpusFile> files;
  private final DocumentReader reader;
  private @Nullable CorpusFile file;
  private BlockingQueue<Message> queue = new ArrayBlockingQueue<>(AHEAD);
  private @Nullable Thread thread;
  private long number;
  private @Nullable Document next;

  /// @param file of the corpus, counted from 0
  /// @param number in the file, counted from 0
  record Document(int file, long number, String text) {}

  /// From the thread that reads.
  private sealed interface Message {
    record Text(String text) implements Message {}

    record Failed(Throwable failure) implements Message {}

    record End() implements Message {}
  }

  CorpusDocuments(Iterator<CorpusFile> files, DocumentReader reader) {
    this.files = files;
    this.reader = reader;
    TaskContext task = TaskContext.get();
    if (task != null) {
      task.addTaskCompletionListener((TaskCompletionListener) ended -> stop());
    }
  }

  private void stop() {
    if (thread != null) {
      thread.interrupt();
    }
  }

  @Override
  public boolean hasNext() {
    while (next == null) {
      if (file == null) {
        if (!files.hasNext()) {
          return false;
        }
        begin(files.next());
      }
      next = read();
    }
    return true;
  }

  @Override
  public Document next() {
    if (!hasNext() || next == null) {
      throw new NoSuchElementException();
    }
    Document taken = next;
    next = null;
    return taken;
  }

  private void begin(CorpusFile begun) {
    file = begun;
    number = 0;
    queue = new ArrayBlockingQueue<>(AHEAD);
    BlockingQueue<Message> into = queue;
    thread = Thread.ofPlatform().daemon().name("corpus-reader").start(() -> readInto(begun, into));
  }

  private void readInto(CorpusFile begun, BlockingQueue<Message> into) {
    try {
      Message last;
      try {
        begun.read(path -> reader.read(path, text -> put(new Message.Text(text), into)));
        last = new Message.End();
      } catch (IOException | RuntimeException | Error failure) {
        last = new Message.Failed(failure);
      }
      into.put(last);
    } catch (InterruptedException ended) {
      Thread.currentThread().interrupt();
    }
  }

  private static void put(Message message, BlockingQueue<Message> into) throws IOException {
    try {
      into.put(message);
    } catch (InterruptedException ended) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("the task has ended");
    }
  }

  private @Nullable Document read() {
    try {
      return switch (queue.take()) {
        case Message.Text text ->
            new Document(Objects.requireNonNull(file).index(), number++, text.text());
        case Message.Failed failed -> throw unchecked(failed.failure());
        case Message.End _ -> {
          file = null;
          yield null;
        }
      };
    } catch (InterruptedException ended) {
      Thread.currentThread().interrupt();
      throw new UncheckedIOException(new InterruptedIOException("the task has ended"));
    }
  }

  private static RuntimeException unchecked(Throwable failure) {
    return switch (failure) {
      case IOException file -> new UncheckedIOException(file);
      case RuntimeException runtime -> runtime;
      case Error error -> throw error;
      default -> new IllegalStateException(failure);
    };
  }
}
