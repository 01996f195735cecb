package bitnet.hub;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The variables that `huggingface_hub` reads, as values.
public final class HubEnvironment {
  private static final Set<String> TRUE = Set.of("1", "ON", "YES", "TRUE");

  private final Map<String, String> variables;

  /// @param variables names and values, as of [System#getenv()]
  public HubEnvironment(Map<String, String> variables) {
    this.variables = Map.copyOf(variables);
  }

  private Optional<String> value(String name) {
    return Optional.ofNullable(variables.get(name)).filter(text -> !text.isBlank());
  }

  private boolean isOn(String name) {
    return value(name).map(text -> TRUE.contains(text.toUpperCase(Locale.ROOT))).orElse(false);
  }

  /// The hub's address without a slash at its end, by HF_ENDPOINT.
  ///
  /// @throws IllegalArgumentException if it is not an http or https address
  public URI endpoint() {
    String text = value("HF_ENDPOINT").orElse("https://huggingface.co").replaceAll("/+$", "");
    if (!text.matches("https?://[^\\s/?#]+[^\\s?#]*")) {
      throw new IllegalArgumentException(
          "HF_ENDPOINT is not the address of a hub; use one like https://huggingface.co");
    }
    return URI.create(text);
  }

  private Path home() {
    Path user = Path.of(value("HOME").orElse(System.getProperty("user.home")));
    return value("HF_HOME")
        .map(Path::of)
        .orElseGet(
            () ->
                value("XDG_CACHE_HOME")
                    .map(Path::of)
                    .orElse(user.resolve(".cache"))
                    .resolve("huggingface"));
  }

  /// The directory of the cache, by HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME or XDG_CACHE_HOME.
  public Path cache() {
    return value("HF_HUB_CACHE")
        .or(() -> value("HUGGINGFACE_HUB_CACHE"))
        .map(Path::of)
        .orElseGet(() -> home().resolve("hub"));
  }

  /// Whether HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE forbids the network.
  public boolean isOffline() {
    return isOn("HF_HUB_OFFLINE") || isOn("TRANSFORMERS_OFFLINE");
  }

  /// Whether the cache may have symbolic links, by HF_HUB_DISABLE_SYMLINKS.
  boolean hasLinks() {
    return !isOn("HF_HUB_DISABLE_SYMLINKS");
  }

  /// HF_TOKEN, else the file of HF_TOKEN_PATH; none with HF_HUB_DISABLE_IMPLICIT_TOKEN.
  Optional<String> token() throws IOException {
    if (isOn("HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
      return Optional.empty();
    }
    Optional<String> given = value("HF_TOKEN").map(String::strip);
    Path file = value("HF_TOKEN_PATH").map(Path::of).orElseGet(() -> home().resolve("token"));
    if (given.isEmpty() && Files.isRegularFile(file)) {
      given = Optional.of(Files.readString(file, StandardCharsets.UTF_8).strip());
    }
    // a header cannot hold others, and the exception about it would show the token
    return given.filter(token -> token.matches("[!-~]+"));
  }

  /// How long an answer may take to begin, by HF_HUB_ETAG_TIMEOUT.
  Duration answerTimeout() {
    return seconds("HF_HUB_ETAG_TIMEOUT");
  }

  /// How long a body may pause, by HF_HUB_DOWNLOAD_TIMEOUT.
  Duration bodyTimeout() {
    return seconds("HF_HUB_DOWNLOAD_TIMEOUT");
  }

  private Duration seconds(String name) {
    String text = value(name).orElse("10");
    if (!text.matches("[1-9]\\d{0,4}")) {
      throw new IllegalArgumentException(name + " is not a number of seconds; use 1 to 99999");
    }
    return Duration.ofSeconds(Long.parseLong(text));
  }
}
