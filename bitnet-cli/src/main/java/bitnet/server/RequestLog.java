package bitnet.server;

import java.util.function.Consumer;

/// A line for each request: method, path, status, time and tokens, never text of a prompt.
final class RequestLog {
  private static final int LONGEST_PATH = 100;

  private final boolean json;
  private final Consumer<String> lines;

  RequestLog(boolean json, Consumer<String> lines) {
    this.json = json;
    this.lines = lines;
  }

  void request(Exchange exchange) {
    String path = exchange.path().replaceAll("[^!-~]", "?");
    String shown = path.length() <= LONGEST_PATH ? path : path.substring(0, LONGEST_PATH) + "...";
    lines.accept(
        json
            ? RequestBody.JSON
                .createObjectNode()
                .put("method", exchange.method())
                .put("path", shown)
                .put("status", exchange.status())
                .put("ms", exchange.milliseconds())
                .put("prompt_tokens", exchange.promptTokens())
                .put("completion_tokens", exchange.completionTokens())
                .toString()
            : "%s %s %d %d ms, prompt %d tokens, completion %d tokens"
                .formatted(
                    exchange.method(),
                    shown,
                    exchange.status(),
                    exchange.milliseconds(),
                    exchange.promptTokens(),
                    exchange.completionTokens()));
  }

  void failure(Exception failure) {
    String kind = failure.getClass().getSimpleName();
    lines.accept(
        json
            ? RequestBody.JSON.createObjectNode().put("failure", kind).toString()
            : "failure: " + kind);
  }
}
