package bitnet.hub;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A model on a hub, `ORG/NAME[@REVISION][:QUANT or FILE]`, or a dataset.
///
/// @param kind of the repository
/// @param repository `ORG/NAME`
/// @param revision branch, tag or commit; `main` if none is named
/// @param selector a GGUF file or the suffix of its name (`Q2_0`); empty for the whole model
public record HubName(RepositoryKind kind, String repository, String revision, String selector) {
  private static final String MAIN = "main";
  private static final Pattern FORM =
      Pattern.compile("([A-Za-z0-9]\\w[\\w.-]*/\\w[\\w.-]*)(?:@([\\w./-]+))?(?::([\\w./-]+))?");
  private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");

  /// A dataset at its branch `main`.
  ///
  /// @param repository `ORG/NAME`
  public static HubName dataset(String repository) {
    return new HubName(RepositoryKind.DATASET, repository, MAIN, "");
  }

  /// The model that a text names, if it has the form of a name.
  public static Optional<HubName> parse(String text) {
    Matcher form = FORM.matcher(text);
    if (!form.matches() || text.contains("..") || text.contains("--")) {
      return Optional.empty();
    }
    String revision = form.group(2) == null ? MAIN : form.group(2);
    String selector = form.group(3) == null ? "" : form.group(3);
    return Optional.of(new HubName(RepositoryKind.MODEL, form.group(1), revision, selector));
  }

  /// The name that `--model_path` is. A local path wins: what exists, and what would be in a
  /// directory that exists.
  public static Optional<HubName> ofModelPath(Path path) {
    Path parent = path.getParent();
    if (Files.exists(path) || path.isAbsolute() || parent == null || Files.exists(parent)) {
      return Optional.empty();
    }
    // a revision or a file may have slashes: the organization is the first name
    return Files.exists(path.getName(0))
        ? Optional.empty()
        : parse(path.toString().replace('\\', '/'));
  }

  boolean isCommit() {
    return COMMIT.matcher(revision).matches();
  }

  /// The directory of the cache that `huggingface_hub` uses.
  String directory() {
    return kind.prefix() + repository.replace("/", "--");
  }

  /// Its address, behind that of the hub.
  String address() {
    return kind.address() + repository;
  }

  @Override
  public String toString() {
    return address()
        + (revision.equals(MAIN) ? "" : "@" + revision)
        + (selector.isEmpty() ? "" : ":" + selector);
  }
}
