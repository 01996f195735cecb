package bitnet.hub;

import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/// Requests to a hub: redirects, retries, and a token that no other host receives.
final class HubHttp implements AutoCloseable {
  static final int TRIES = 5;
  private static final int REDIRECTS = 10;
  private static final int CONNECTIONS = 2;
  private static final Set<Integer> REDIRECT = Set.of(301, 302, 303, 307, 308);
  private static final Set<Integer> RETRIED = Set.of(408, 429, 500, 502, 503, 504);
  private static final long LONGEST_WAIT_SECONDS = 300;

  private final HttpClient client;
  private final URI endpoint;
  private final Optional<String> token;
  private final Duration answerTimeout;
  private final Duration bodyTimeout;
  private final Duration firstPause;

  HubHttp(HubEnvironment environment, Duration firstPause) throws IOException {
    this.endpoint = environment.endpoint();
    this.token = environment.token();
    this.answerTimeout = environment.answerTimeout();
    this.bodyTimeout = environment.bodyTimeout();
    this.firstPause = firstPause;
    this.client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1) // ranges at once take connections of their own
            .connectTimeout(answerTimeout)
            .followRedirects(HttpClient.Redirect.NEVER)
            .build();
  }

  /// Gets an address of the hub. The caller closes the body.
  ///
  /// @param path from the endpoint on, with a slash first
  /// @param range of bytes that is wanted, as a header says it; empty for all
  /// @throws HubException if the hub fails after five tries, or refuses two connections: without a
  ///     network nobody waits long
  HttpResponse<InputStream> get(String path, String range) throws IOException {
    for (int tries = 1; ; tries++) {
      HubException failure;
      int most = TRIES;
      Duration pause = firstPause.multipliedBy(1L << (tries - 1));
      try {
        HttpResponse<InputStream> response = follow(URI.create(endpoint + path), range);
        if (!RETRIED.contains(response.statusCode())) {
          return response;
        }
        response.body().close();
        failure =
            new HubException(
                "the hub at %s answered %d; try again later"
                    .formatted(endpoint.getHost(), response.statusCode()),
                true);
        Optional<Duration> asked = retryAfter(response);
        pause = asked.orElse(pause);
      } catch (HubException refused) {
        throw refused;
      } catch (IOException unreachable) {
        most = unreachable instanceof ConnectException ? CONNECTIONS : TRIES;
        failure =
            new HubException(
                "the hub at %s cannot be reached (%s); check the network and HF_ENDPOINT"
                    .formatted(endpoint.getHost(), unreachable.getClass().getSimpleName()),
                true);
      }
      if (tries >= most || pause.toSeconds() > LONGEST_WAIT_SECONDS) {
        throw failure;
      }
      sleep(pause);
    }
  }

  /// A short answer, whole: a body that ends early is asked for again.
  Answer answer(String path) throws IOException {
    for (int tries = 1; ; tries++) {
      HttpResponse<InputStream> response = get(path, "");
      try (InputStream body = body(response)) {
        return new Answer(response, body.readAllBytes());
      } catch (IOException dropped) {
        if (tries == TRIES) {
          throw new HubException(
              "the hub at %s ends its answers early; try again later".formatted(endpoint.getHost()),
              true);
        }
        pause(tries - 1);
      }
    }
  }

  /// The body of an answer, which ends if it pauses for too long.
  InputStream body(HttpResponse<InputStream> response) {
    return TimedBody.watched(response.body(), bodyTimeout);
  }

  /// An answer and its body.
  record Answer(HttpResponse<InputStream> response, byte[] body) {}

  void pause(int tries) throws IOException {
    sleep(firstPause.multipliedBy(1L << Math.min(tries, 3)));
  }

  static void sleep(Duration pause) throws IOException {
    try {
      Thread.sleep(pause);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new HubException("the download was interrupted; the same command continues it");
    }
  }

  private static Optional<Duration> retryAfter(HttpResponse<?> response) {
    return response
        .headers()
        .firstValue("Retry-After")
        .filter(text -> text.matches("\\d{1,6}"))
        .map(text -> Duration.ofSeconds(Long.parseLong(text)));
  }

  private HttpResponse<InputStream> follow(URI first, String range) throws IOException {
    URI address = first;
    for (int hop = 0; hop < REDIRECTS; hop++) {
      HttpResponse<InputStream> response = send(request(address, range));
      Optional<String> location = response.headers().firstValue("Location");
      if (!REDIRECT.contains(response.statusCode()) || location.isEmpty()) {
        return response;
      }
      response.body().close();
      try {
        address = address.resolve(location.get());
      } catch (IllegalArgumentException malformed) {
        throw new HubException("the hub redirects to a malformed address; check HF_ENDPOINT");
      }
      if (!isHttp(address) || (isTls(first) && !isTls(address))) {
        throw new HubException("the hub redirects to an unsafe address; check HF_ENDPOINT");
      }
    }
    throw new HubException("the hub redirects in a circle; check HF_ENDPOINT");
  }

  private static boolean isTls(URI address) {
    return "https".equals(address.getScheme());
  }

  private static boolean isHttp(URI address) {
    return address.getHost() != null && (isTls(address) || "http".equals(address.getScheme()));
  }

  private HttpRequest request(URI address, String range) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(address)
            .timeout(answerTimeout)
            .header("Accept-Encoding", "identity")
            .header("User-Agent", "bitnet");
    if (!range.isEmpty()) {
      request.header("Range", range);
    }
    boolean ofHub =
        endpoint.getScheme().equals(address.getScheme())
            && endpoint.getRawAuthority().equalsIgnoreCase(address.getRawAuthority());
    if (ofHub && token.isPresent()) {
      request.header("Authorization", "Bearer " + token.get());
    }
    return request.build();
  }

  private HttpResponse<InputStream> send(HttpRequest request) throws IOException {
    try {
      return client.send(request, HttpResponse.BodyHandlers.ofInputStream());
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new HubException("the download was interrupted; the same command continues it");
    }
  }

  @Override
  public void close() {
    client.shutdownNow();
  }
}
