package bitnet.server;

import bitnet.generation.BatchSettings;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;

/// Where the server listens and what it allows.
///
/// @param host address or name to listen on
/// @param port 0 takes a free one
/// @param apiKeys accepted keys, of which a request must carry one; without any, requests need none
/// @param modelName name under which the model is listed
/// @param jsonLog whether the line per request is a JSON object
/// @param batching of the model that is served
/// @param limits of requests
public record ServerSettings(
    String host,
    int port,
    List<String> apiKeys,
    String modelName,
    boolean jsonLog,
    BatchSettings batching,
    Limits limits) {

  /// Limits of requests.
  ///
  /// @param queue sequences that may wait for a slot
  /// @param context maximum number of tokens of prompt and completion; 0 is the model's context
  /// @param bodyBytes maximum size of a request's body
  /// @param requestSeconds maximum time of a request
  /// @param idleSeconds maximum time that a connection waits for the client to send or read
  /// @param drainSeconds time that running requests have to finish when the server stops
  public record Limits(
      int queue,
      int context,
      int bodyBytes,
      int requestSeconds,
      int idleSeconds,
      int drainSeconds) {

    /// Checks every limit.
    ///
    /// @throws IllegalArgumentException naming the value, the rule and a remedy
    public Limits {
      atLeast("max_queue", queue, 0, 64);
      atLeast("context", context, 0, 2048);
      atLeast("max_body_bytes", bodyBytes, 1024, 16 << 20);
      atLeast("request_seconds", requestSeconds, 1, 600);
      atLeast("idle_seconds", idleSeconds, 1, 30);
      atLeast("drain_seconds", drainSeconds, 0, 10);
    }

    private static void atLeast(String name, int value, int least, int remedy) {
      if (value < least) {
        throw new IllegalArgumentException(
            "--%s %d is below %d; use %d".formatted(name, value, least, remedy));
      }
    }
  }

  /// Checks the settings and copies the keys.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy; also for an address
  ///     beyond this machine without a key
  public ServerSettings {
    apiKeys = List.copyOf(apiKeys);
    if (port < 0 || port > 65535) {
      throw new IllegalArgumentException(
          "--port %d is not between 0 and 65535; use 8080".formatted(port));
    }
    if (apiKeys.isEmpty() && !isLoopback(host)) {
      throw new IllegalArgumentException(
          "--host %s is reachable from other machines, and there is no --api_key_file; give one, or use --host 127.0.0.1"
              .formatted(host));
    }
  }

  private static boolean isLoopback(String host) {
    try {
      return InetAddress.getByName(host).isLoopbackAddress();
    } catch (UnknownHostException unknown) {
      throw new IllegalArgumentException(
          "--host %s is not an address of this machine; use 127.0.0.1".formatted(host), unknown);
    }
  }
}
