package bitnet.server;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;

/// One request and its answer, whole or as server-sent events. Its callback is called exactly once.
final class Exchange {
  private final Request request;
  private final Response response;
  private final Callback callback;
  private final long started = System.nanoTime();
  private @Nullable OutputStream stream;
  private boolean isEvents; // else the stream has the beginning of a JSON answer
  private int status = 200;
  private int promptTokens;
  private int completionTokens;

  Exchange(Request request, Response response, Callback callback) {
    this.request = request;
    this.response = response;
    this.callback = callback;
  }

  String method() {
    return request.getMethod();
  }

  String path() {
    return Request.getPathInContext(request);
  }

  @Nullable String header(String name) {
    return request.getHeaders().get(name);
  }

  /// The body.
  ///
  /// @throws ApiException with status 413 if it is longer than `most` bytes, before it is read if
  ///     its length is announced; 408 if it does not come
  byte[] body(int most) {
    long announced = request.getLength();
    try (InputStream in = Content.Source.asInputStream(request)) {
      byte[] bytes = announced > most ? new byte[0] : in.readNBytes(most + 1);
      if (announced > most || bytes.length > most) {
        response.getHeaders().put(HttpHeader.CONNECTION, "close");
        throw new ApiException(
            413, "the body is longer than %d bytes".formatted(most), null, "body_too_large");
      }
      return bytes;
    } catch (IOException incomplete) {
      response.getHeaders().put(HttpHeader.CONNECTION, "close");
      throw new ApiException(408, "the body did not arrive in time", null, "request_timeout");
    }
  }

  void reply(int code, JsonNode body) {
    reply(code, "application/json", body.toString());
  }

  /// Sends the page for browsers.
  void reply(ChatPage page) {
    response.getHeaders().put("Content-Security-Policy", page.policy());
    response.getHeaders().put("X-Content-Type-Options", "nosniff");
    response.getHeaders().put(HttpHeader.CACHE_CONTROL, "no-cache");
    reply(200, "text/html; charset=utf-8", page.html());
  }

  /// Sends a space, which JSON may begin with, so that a client that is gone is noticed before the
  /// answer is there. The status is 200 from then on.
  ///
  /// @throws IOException if the client is gone
  void space() throws IOException {
    write("application/json", " ");
  }

  /// Ends an answer that [#space] has begun or that has not begun.
  ///
  /// @throws IOException if the client is gone
  void replyAfterSpaces(JsonNode body) throws IOException {
    if (stream == null) {
      reply(200, body);
      return;
    }
    write("application/json", body.toString());
    succeed();
  }

  void reply(int code, String type, String text) {
    status = code;
    response.setStatus(code);
    response.getHeaders().put(HttpHeader.CONTENT_TYPE, type);
    if (code == 429 || code == 503) {
      response.getHeaders().put(HttpHeader.RETRY_AFTER, "1");
    }
    if (code == 401) {
      response.getHeaders().put(HttpHeader.WWW_AUTHENTICATE, "Bearer");
    }
    response.write(true, ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)), callback);
  }

  /// Sends an event.
  ///
  /// @throws IOException if the client is gone
  void event(JsonNode data) throws IOException {
    send("data: " + data + "\n\n");
  }

  /// Sends a comment, which clients ignore.
  ///
  /// @throws IOException if the client is gone
  void ping() throws IOException {
    send(": ping\n\n");
  }

  private void send(String text) throws IOException {
    isEvents = true;
    write("text/event-stream", text);
  }

  private void write(String type, String text) throws IOException {
    OutputStream out = stream;
    if (out == null) {
      response.getHeaders().put(HttpHeader.CONTENT_TYPE, type);
      response.getHeaders().put(HttpHeader.CACHE_CONTROL, "no-cache");
      response.getHeaders().put("X-Accel-Buffering", "no");
      out = Response.asBufferedOutputStream(request, response);
      stream = out;
    }
    out.write(text.getBytes(StandardCharsets.UTF_8));
    out.flush();
  }

  /// Ends a stream of events that is complete.
  ///
  /// @throws IOException if the client is gone
  void endEvents() throws IOException {
    send("data: [DONE]\n\n");
    succeed();
  }

  private void succeed() throws IOException {
    OutputStream out = stream;
    if (out != null) {
      out.close(); // writes the last chunk: only for a whole answer
    }
    callback.succeeded();
  }

  /// Answers with an error, or ends a stream so that the client sees it is not whole.
  void fail(ApiException failure) {
    status = failure.status();
    if (stream == null) {
      reply(failure.status(), failure.body());
      return;
    }
    if (isEvents) {
      try {
        send("event: error\ndata: " + failure.body() + "\n\n");
      } catch (IOException gone) {
        failure.addSuppressed(gone);
      }
    }
    callback.failed(failure);
  }

  /// Ends the exchange with a client that is gone.
  void abandon(IOException gone) {
    status = 499;
    callback.failed(gone);
  }

  void count(int ofPrompt, int ofCompletion) {
    promptTokens = ofPrompt;
    completionTokens = ofCompletion;
  }

  int status() {
    return status;
  }

  int promptTokens() {
    return promptTokens;
  }

  int completionTokens() {
    return completionTokens;
  }

  long milliseconds() {
    return (System.nanoTime() - started) / 1_000_000;
  }
}
