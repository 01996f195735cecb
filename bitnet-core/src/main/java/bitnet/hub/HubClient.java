package bitnet.hub;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Predicate;

/// Downloads models and datasets of a Hugging Face hub into the cache that `huggingface_hub` uses.
public final class HubClient {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final String INDEX = "model.safetensors.index.json";

  private final HubEnvironment environment;
  private final HubProgress progress;
  private final Pace pace;

  /// How patient a client is.
  ///
  /// @param firstPause before the second of five tries; doubled for each further one
  /// @param rangeBytes a file of twice as many bytes or more is downloaded in ranges at once
  record Pace(Duration firstPause, long rangeBytes) {
    static final Pace DEFAULT = new Pace(Duration.ofSeconds(1), 8 << 20);
  }

  /// Which files of a repository are needed.
  private interface Selection {
    /// The needed files; those that show that a download is complete are last.
    ///
    /// @throws HubException if there are none
    List<String> of(Collection<String> all) throws HubException;
  }

  /// A complete download.
  ///
  /// @param snapshot directory of the commit's files
  /// @param files in it
  private record Download(Path snapshot, List<String> files) {}

  /// @param progress hears how far a download is
  public HubClient(HubEnvironment environment, HubProgress progress) {
    this(environment, progress, Pace.DEFAULT);
  }

  HubClient(HubEnvironment environment, HubProgress progress, Pace pace) {
    this.environment = environment;
    this.progress = progress;
    this.pace = pace;
  }

  /// Where a model is after what is missing of it was downloaded: the directory of its snapshot, or
  /// a GGUF file in it. A complete model of a full commit hash needs no network; if the hub cannot
  /// be reached, the last complete download is returned.
  ///
  /// @throws HubException if the hub refuses it, or if it is not in the cache and offline
  public Path path(HubName name) throws IOException {
    Download model = download(name, all -> FileChoice.of(name, all));
    String last = model.files().getLast();
    return last.endsWith(".gguf") ? model.snapshot().resolve(last) : model.snapshot();
  }

  /// The directory of a snapshot after what is missing of some of its files was downloaded.
  /// Network and cache are used as for [#path].
  ///
  /// @param wanted tells a file by its path in the repository
  /// @throws HubException if there is none, if the hub refuses it, or if one is not in the cache
  ///     and offline
  public Path snapshot(HubName name, Predicate<String> wanted) throws IOException {
    return download(name, all -> wanted(name, wanted, all)).snapshot();
  }

  private static List<String> wanted(HubName name, Predicate<String> wanted, Collection<String> all)
      throws HubException {
    List<String> files = all.stream().filter(FileChoice::isSafe).filter(wanted).sorted().toList();
    if (files.isEmpty()) {
      throw new HubException(
          "%s has none of the files that were expected; it has changed, so give local files"
              .formatted(name));
    }
    return files;
  }

  private Download download(HubName name, Selection selection) throws IOException {
    HubCache cache = new HubCache(environment.cache(), name, environment.hasLinks());
    Optional<Download> local = local(cache, selection);
    if (local.isPresent() && (name.isCommit() || environment.isOffline())) {
      return local.get();
    }
    if (environment.isOffline()) {
      throw new HubException(
          "%s is not complete in %s and HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set; unset it once"
              .formatted(name, environment.cache()));
    }
    try {
      return download(cache, name, selection);
    } catch (HubException failure) {
      if (failure.isTransient() && local.isPresent()) {
        return local.get();
      }
      throw failure;
    }
  }

  /// What was downloaded before, if it is complete. The listing of the commit tells; where
  /// another program wrote the cache without one, the names of the files.
  private static Optional<Download> local(HubCache cache, Selection selection) throws IOException {
    Optional<String> commit = cache.commit();
    if (commit.isEmpty()) {
      return Optional.empty();
    }
    Path snapshot = cache.snapshot(commit.get());
    Optional<RepositoryListing> listing = cache.listing(commit.get());
    List<String> files = cache.files(commit.get());
    try {
      Collection<String> all = listing.isPresent() ? listing.get().names() : files;
      List<String> chosen = selection.of(all);
      return files.containsAll(chosen) && hasAllShards(snapshot, chosen)
          ? Optional.of(new Download(snapshot, chosen))
          : Optional.empty();
    } catch (HubException incomplete) {
      return Optional.empty();
    }
  }

  private static boolean hasAllShards(Path snapshot, List<String> files) throws IOException {
    if (!FileChoice.hasAllNumbers(files)) {
      return false;
    }
    if (!files.contains(INDEX)) {
      return true;
    }
    JsonNode shards = MAPPER.readTree(snapshot.resolve(INDEX).toFile()).path("weight_map");
    for (JsonNode shard : shards) {
      if (!files.contains(shard.asText())) {
        return false;
      }
    }
    return true;
  }

  private Download download(HubCache cache, HubName name, Selection selection) throws IOException {
    try (HubHttp http = new HubHttp(environment, pace.firstPause())) {
      RepositoryListing listing = RepositoryListing.fetch(http, name, environment.endpoint());
      List<String> chosen = selection.of(listing.names());
      String commit = listing.commit();
      cache.prepare(listing);
      HubDownload download = new HubDownload(http, cache, progress, pace.rangeBytes());
      for (String file : chosen) {
        if (!Files.exists(cache.snapshot(commit).resolve(file))) {
          String address = "/" + name.address() + "/resolve/" + commit + "/" + quoted(file);
          download.file(address, commit, Objects.requireNonNull(listing.files().get(file)));
        }
      }
      cache.setCommit(commit);
      return new Download(cache.snapshot(commit), chosen);
    }
  }

  private static String quoted(String file) {
    return URLEncoder.encode(file, StandardCharsets.UTF_8).replace("+", "%20").replace("%2F", "/");
  }
}
