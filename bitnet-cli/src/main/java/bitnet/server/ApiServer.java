package bitnet.server;

import bitnet.generation.BatchedModel;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import org.eclipse.jetty.http.HttpCompliance;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.UriCompliance;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.NetworkConnectionLimit;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.handler.GracefulHandler;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.VirtualThreads;
import org.eclipse.jetty.util.thread.QueuedThreadPool;

/// The HTTP server: listens, reads and answers requests on virtual threads, and stops gracefully.
/// It answers 503 until it is given a model, which stays its owner's.
public final class ApiServer implements AutoCloseable {
  private static final int HEADER_BYTES = 32 << 10;
  private static final int MOST_CONNECTIONS = 1024;
  private static final int PLATFORM_THREADS = 16;

  private final ServerSettings settings;
  private final Server server;
  private final ServerConnector connector;
  private volatile Routes routes;
  private final RequestLog log;

  /// Starts listening.
  ///
  /// @param logLine receives a line for each request
  /// @throws IOException if the address is in use or not of this machine
  public static ApiServer start(ServerSettings settings, Consumer<String> logLine)
      throws IOException {
    ApiServer server = new ApiServer(settings, logLine);
    try {
      server.server.start();
    } catch (Exception failure) { // declared by Jetty
      server.close();
      throw new IOException(
          "cannot listen on %s port %d: %s; is the port in use? choose another --port"
              .formatted(settings.host(), settings.port(), failure.getMessage()),
          failure);
    }
    return server;
  }

  private ApiServer(ServerSettings settings, Consumer<String> logLine) {
    this.settings = settings;
    this.log = new RequestLog(settings.jsonLog(), logLine);
    this.routes = new Routes(settings);
    QueuedThreadPool pool = new QueuedThreadPool(PLATFORM_THREADS);
    pool.setVirtualThreadsExecutor(VirtualThreads.getNamedVirtualThreadsExecutor("http-"));
    this.server = new Server(pool);
    HttpConfiguration http = new HttpConfiguration();
    http.setRequestHeaderSize(HEADER_BYTES);
    http.setSendServerVersion(false);
    http.setHttpCompliance(HttpCompliance.STRICT);
    // model ids with %2F
    http.setUriCompliance(UriCompliance.from("DEFAULT,AMBIGUOUS_PATH_SEPARATOR"));
    this.connector = new ServerConnector(server, new HttpConnectionFactory(http));
    connector.setHost(settings.host());
    connector.setPort(settings.port());
    connector.setIdleTimeout(settings.limits().idleSeconds() * 1000L);
    server.addConnector(connector);
    server.addBean(new NetworkConnectionLimit(MOST_CONNECTIONS, server));
    server.setHandler(new GracefulHandler(new Api()));
    server.setErrorHandler(ApiServer::error);
    server.setStopTimeout(settings.limits().drainSeconds() * 1000L);
  }

  /// Where it listens.
  public URI uri() {
    String host = settings.host().contains(":") ? "[" + settings.host() + "]" : settings.host();
    return URI.create("http://%s:%d".formatted(host, connector.getLocalPort()));
  }

  /// Serves a model from now on.
  public void serve(BatchedModel model) {
    routes = routes.with(model);
  }

  /// Errors of HTTP itself, without anything of the inside.
  private static boolean error(Request request, Response response, Callback callback) {
    int status = response.getStatus();
    response.getHeaders().put(HttpHeader.CONTENT_TYPE, "application/json");
    String message =
        status >= 500
            ? "the server cannot answer this request"
            : "this is not a valid HTTP request";
    response.write(
        true,
        ByteBuffer.wrap(
            ApiException.body(status, message, null, null)
                .toString()
                .getBytes(StandardCharsets.UTF_8)),
        callback);
    return true;
  }

  private final class Api extends Handler.Abstract {
    @Override
    public boolean handle(Request request, Response response, Callback callback) {
      Exchange exchange = new Exchange(request, response, callback);
      try {
        routes.answer(exchange);
      } catch (ApiException refused) {
        exchange.fail(refused);
      } catch (IOException gone) {
        exchange.abandon(gone);
      } catch (InterruptedException stopped) {
        Thread.currentThread().interrupt();
        exchange.fail(new ApiException(503, "the server is stopping", null, "interrupted"));
      } catch (RuntimeException failure) {
        log.failure(failure);
        exchange.fail(new ApiException(500, "the server failed", null, "internal_error"));
      }
      routes.count(exchange);
      log.request(exchange);
      return true;
    }
  }

  /// Refuses new connections, lets running requests finish within the drain time and cuts the
  /// others.
  public void stop() {
    try {
      server.stop();
    } catch (Exception cut) { // declared by Jetty: a request did not finish in time
      log.failure(cut);
    }
  }

  /// As [#stop].
  @Override
  public void close() {
    stop();
  }
}
