package bitnet.cli.option;

import bitnet.cli.output.DownloadOutput;
import bitnet.cli.output.StandardStreams;
import bitnet.hub.HubClient;
import bitnet.hub.HubEnvironment;
import bitnet.hub.HubException;
import bitnet.hub.HubName;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/// A model that `--model_path` names on a Hugging Face hub.
public final class HubModel {
  private HubModel() {}

  /// The local path of a model: the path itself, or where the hub's model is after its download.
  ///
  /// @throws IOException if the hub refuses it
  public static Path local(Path path) throws IOException {
    Optional<HubName> name = HubName.ofModelPath(path);
    if (name.isEmpty()) {
      return path;
    }
    try {
      return download(name.get());
    } catch (HubException refused) { // the name may be a mistyped path
      throw new IOException(
          "%s: no such file or directory; as a model of the hub: %s"
              .formatted(path, refused.getMessage()),
          refused);
    }
  }

  /// Where a model of the hub is after its download.
  ///
  /// @throws IOException if the hub refuses it
  public static Path download(HubName name) throws IOException {
    HubEnvironment environment = new HubEnvironment(System.getenv());
    try (DownloadOutput output = new DownloadOutput(StandardStreams.err())) {
      return new HubClient(environment, output).path(name);
    }
  }
}
