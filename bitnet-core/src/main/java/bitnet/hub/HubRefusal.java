package bitnet.hub;

import java.net.URI;
import java.net.http.HttpResponse;
import java.util.Locale;

/// What an answer other than success means, with a remedy.
final class HubRefusal {
  private static final String HEADER = "X-Error-Code";

  private HubRefusal() {}

  static HubException of(HttpResponse<?> response, String file) {
    return new HubException(
        "%s: the hub answered %d %s; check the name and HF_ENDPOINT"
            .formatted(
                file, response.statusCode(), response.headers().firstValue(HEADER).orElse("")));
  }

  static HubException of(HttpResponse<?> response, HubName name, URI endpoint) {
    String code = response.headers().firstValue(HEADER).orElse("").toLowerCase(Locale.ROOT);
    String repository = name.address();
    return new HubException(
        switch (code) {
          case "gatedrepo" ->
              "%s is gated; accept its terms at %s/%s, then set HF_TOKEN"
                  .formatted(repository, endpoint, repository);
          case "revisionnotfound" ->
              "%s has no revision \"%s\"; use a branch, a tag or a commit of %s/%s/commits"
                  .formatted(repository, name.revision(), endpoint, repository);
          default ->
              switch (response.statusCode()) {
                case 401, 403, 404 ->
                    "%s does not exist or is private; check the name, or set HF_TOKEN"
                        .formatted(repository);
                default ->
                    "%s: the hub answered %d; check HF_ENDPOINT"
                        .formatted(repository, response.statusCode());
              };
        });
  }
}
