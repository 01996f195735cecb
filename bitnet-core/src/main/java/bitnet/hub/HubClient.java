package bitnet.hub;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Downloads models of a Hugging Face hub into the cache that `huggingface_hub` uses.
public final class HubClient {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
  private static final String INDEX = "model.safetensors.index.json";

  private final HubEnvironment environment;
  private final HubProgress progress;
  private final Duration firstPause;

  /// @param progress hears how far a download is
  public HubClient(HubEnvironment environment, HubProgress progress) {
    this(environment, progress, FIRST_PAUSE);
  }

  HubClient(HubEnvironment environment, HubProgress progress, Duration firstPause) {
    this.environment = environment;
    this.progress = progress;
    this.firstPause = firstPause;
  }

  /// Where a model is after what is missing of it was downloaded: the directory of its snapshot, or
  /// a GGUF file in it. A complete model of a full commit hash needs no network; if the hub cannot
  /// be reached, the last complete download is returned.
  ///
  /// @throws HubException if the hub refuses it, or if it is not in the cache and offline
  public Path path(HubName name) throws IOException {
    HubCache cache = new HubCache(environment.cache(), name);
    Optional<Path> local = local(cache, name);
    if (local.isPresent() && (name.isCommit() || environment.isOffline())) {
      return local.get();
    }
    if (environment.isOffline()) {
      throw new HubException(
          "%s is not complete in %s and HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set; unset it once"
              .formatted(name, environment.cache()));
    }
    try {
      return download(cache, name);
    } catch (HubException failure) {
      if (failure.isTransient() && local.isPresent()) {
        return local.get();
      }
      throw failure;
    }
  }

  private static Optional<Path> local(HubCache cache, HubName name) throws IOException {
    Optional<String> commit = cache.commit();
    if (commit.isEmpty()) {
      return Optional.empty();
    }
    List<String> files = cache.files(commit.get());
    Path snapshot = cache.snapshot(commit.get());
    try {
      List<String> chosen = FileChoice.of(name, files);
      return hasAllShards(snapshot, chosen)
          ? Optional.of(located(snapshot, chosen))
          : Optional.empty();
    } catch (HubException incomplete) {
      return Optional.empty();
    }
  }

  private static boolean hasAllShards(Path snapshot, List<String> files) throws IOException {
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

  private static Path located(Path snapshot, List<String> chosen) {
    String last = chosen.getLast();
    return last.endsWith(".gguf") ? snapshot.resolve(last) : snapshot;
  }

  private Path download(HubCache cache, HubName name) throws IOException {
    try (HubHttp http = new HubHttp(environment, firstPause)) {
      String revision = URLEncoder.encode(name.revision(), StandardCharsets.UTF_8);
      String api = "/api/models/" + name.repository();
      JsonNode info = json(http, name, api + "/revision/" + revision);
      String commit = info.path("sha").asText();
      if (!commit.matches("[0-9a-f]{40}")) {
        throw new HubException(
            "%s: the hub does not say the commit; check HF_ENDPOINT".formatted(name));
      }
      List<String> all = new ArrayList<>();
      info.path("siblings").forEach(file -> all.add(file.path("rfilename").asText()));
      List<String> chosen = FileChoice.of(name, all);
      Map<String, HubFile> known = tree(http, name, api + "/tree/" + commit + "?recursive=true");
      cache.prepare();
      HubDownload download = new HubDownload(http, cache, environment.bodyTimeout(), progress);
      for (String file : chosen) {
        if (Files.exists(cache.snapshot(commit).resolve(file))) {
          continue;
        }
        HubFile facts = known.getOrDefault(file, new HubFile(file, -1, ""));
        String address = "/" + name.repository() + "/resolve/" + commit + "/" + quoted(file);
        cache.link(commit, file, download.blob(address, commit, facts));
      }
      cache.setCommit(commit);
      return located(cache.snapshot(commit), chosen);
    }
  }

  private static String quoted(String file) {
    return URLEncoder.encode(file, StandardCharsets.UTF_8).replace("+", "%20").replace("%2F", "/");
  }

  private JsonNode json(HubHttp http, HubName name, String path) throws IOException {
    HubHttp.Answer answer = http.answer(path);
    if (answer.response().statusCode() != 200) {
      throw HubRefusal.of(answer.response(), name, environment.endpoint());
    }
    try {
      return MAPPER.readTree(answer.body());
    } catch (JsonProcessingException damaged) {
      throw new HubException("%s: the hub's answer is not JSON; check HF_ENDPOINT".formatted(name));
    }
  }

  /// Sizes and hashes; a mirror may not have them.
  private static Map<String, HubFile> tree(HubHttp http, HubName name, String first)
      throws IOException {
    Map<String, HubFile> files = new HashMap<>();
    HubHttp.Answer answer = http.answer(first);
    if (answer.response().statusCode() != 200) {
      return files;
    }
    try {
      for (JsonNode entry : MAPPER.readTree(answer.body())) {
        JsonNode large = entry.path("lfs");
        String hash = large.path("oid").asText(entry.path("oid").asText());
        boolean known = hash.matches("[0-9a-f]{40}|[0-9a-f]{64}");
        long size = large.path("size").asLong(entry.path("size").asLong(-1));
        String path = entry.path("path").asText();
        files.put(path, new HubFile(path, size, known ? hash : ""));
      }
      return files;
    } catch (JsonProcessingException damaged) {
      throw new HubException(
          "%s: the hub's list of files is not JSON; check HF_ENDPOINT".formatted(name));
    }
  }
}
