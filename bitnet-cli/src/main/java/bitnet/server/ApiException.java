package bitnet.server;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;

/// A refusal or failure that is answered as OpenAI's API does:
/// `{"error": {"message", "type", "param", "code"}}`.
final class ApiException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int status;
  private final @Nullable String param;
  private final @Nullable String code;

  ApiException(int status, String message, @Nullable String param, @Nullable String code) {
    super(message);
    this.status = status;
    this.param = param;
    this.code = code;
  }

  /// A field that is wrong or not supported.
  static ApiException ofField(String param, String message) {
    return new ApiException(400, message, param, null);
  }

  int status() {
    return status;
  }

  /// The answer's body.
  ObjectNode body() {
    return body(status, String.valueOf(getMessage()), param, code);
  }

  /// The body of an answer with this status.
  static ObjectNode body(
      int status, String message, @Nullable String param, @Nullable String code) {
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    root.putObject("error")
        .put("message", message)
        .put("type", type(status))
        .put("param", param)
        .put("code", code);
    return root;
  }

  private static String type(int status) {
    return switch (status) {
      case 401 -> "authentication_error";
      case 404 -> "not_found_error";
      case 429 -> "rate_limit_error";
      default -> status >= 500 ? "server_error" : "invalid_request_error";
    };
  }
}
