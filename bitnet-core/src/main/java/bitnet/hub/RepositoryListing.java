package bitnet.hub;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The files of a repository at a commit.
///
/// @param commit its 40 digits
/// @param files by their paths
record RepositoryListing(String commit, Map<String, HubFile> files) {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final String SIZE = "size";
  private static final String FILES = "files";
  private static final int MOST_PAGES = 10_000;
  private static final Pattern NEXT = Pattern.compile("<([^<>]+)>\\s*;\\s*rel=\"?next\"?");

  /// Copies the map.
  RepositoryListing {
    files = Collections.unmodifiableMap(new TreeMap<>(files));
  }

  Set<String> names() {
    return files.keySet();
  }

  /// Asks the hub.
  ///
  /// @throws HubException if it refuses the repository, or does not say the commit
  static RepositoryListing fetch(HubHttp http, HubName name, URI endpoint) throws IOException {
    String revision = URLEncoder.encode(name.revision(), StandardCharsets.UTF_8);
    String api = "/api/" + name.kind().plural() + "/" + name.repository();
    HubHttp.Answer answer = http.answer(api + "/revision/" + revision);
    if (answer.response().statusCode() != 200) {
      throw HubRefusal.of(answer.response(), name, endpoint);
    }
    JsonNode info = json(answer, name);
    String commit = info.path("sha").asText();
    if (!commit.matches("[0-9a-f]{40}")) {
      throw new HubException(
          "%s: the hub does not say the commit; check HF_ENDPOINT".formatted(name));
    }
    Map<String, HubFile> files = new TreeMap<>();
    for (JsonNode sibling : info.path("siblings")) {
      String path = sibling.path("rfilename").asText();
      files.put(path, new HubFile(path, -1, ""));
    }
    String tree = api + "/tree/" + commit + "?recursive=true";
    files.putAll(tree(http, name, tree, endpoint));
    return new RepositoryListing(commit, files);
  }

  private static JsonNode json(HubHttp.Answer answer, HubName name) throws IOException {
    try {
      return MAPPER.readTree(answer.body());
    } catch (JsonProcessingException damaged) {
      throw new HubException("%s: the hub's answer is not JSON; check HF_ENDPOINT".formatted(name));
    }
  }

  /// Sizes and hashes, from all pages; a mirror may not have them.
  private static Map<String, HubFile> tree(HubHttp http, HubName name, String first, URI endpoint)
      throws IOException {
    Map<String, HubFile> files = new TreeMap<>();
    Optional<String> page = Optional.of(first);
    for (int pages = 0; page.isPresent() && pages < MOST_PAGES; pages++) {
      HubHttp.Answer answer = http.answer(page.get());
      if (answer.response().statusCode() != 200) {
        return files;
      }
      for (JsonNode entry : json(answer, name)) {
        if (entry.path("type").asText("file").equals("file")) {
          JsonNode large = entry.path("lfs");
          add(files, entry.path("path").asText(), entry.path("oid"), entry.path(SIZE), large);
        }
      }
      page =
          answer.response().headers().allValues("Link").stream()
              .flatMap(link -> NEXT.matcher(link).results())
              .map(link -> behind(link.group(1), endpoint))
              .findFirst();
    }
    return files;
  }

  private static void add(
      Map<String, HubFile> files, String path, JsonNode blob, JsonNode size, JsonNode large) {
    String hash = large.path("oid").asText(blob.asText());
    boolean known = hash.matches("[0-9a-f]{40}|[0-9a-f]{64}");
    long bytes = large.path(SIZE).asLong(size.asLong(-1));
    files.put(path, new HubFile(path, bytes, known ? hash : ""));
  }

  /// An address of the hub without its beginning; a mirror may hand on the addresses of its source.
  private static String behind(String address, URI endpoint) {
    Matcher parts = Pattern.compile("(?:https?://[^/?#]*)?([^#]*).*").matcher(address);
    String path = parts.matches() ? parts.group(1) : address;
    String prefix = endpoint.getRawPath();
    return path.startsWith(prefix) ? path.substring(prefix.length()) : path;
  }

  /// As `huggingface_hub` keeps listings: sizes and hashes by path.
  byte[] json() throws IOException {
    ObjectNode entries = MAPPER.createObjectNode();
    for (HubFile file : files.values()) {
      ObjectNode entry = entries.putObject(file.path());
      entry.put(SIZE, file.size()).put("blob_id", file.hash());
    }
    ObjectNode listing = MAPPER.createObjectNode().put("format_version", 1);
    listing.set(FILES, entries);
    return MAPPER.writeValueAsBytes(listing);
  }

  /// Reads what [#json()] or `huggingface_hub` wrote; empty if it is of another version or damaged.
  static Optional<RepositoryListing> parse(String commit, byte[] json) throws IOException {
    try {
      JsonNode listing = MAPPER.readTree(json);
      Map<String, HubFile> files = new TreeMap<>();
      for (Map.Entry<String, JsonNode> entry : listing.path(FILES).properties()) {
        long size = entry.getValue().path(SIZE).asLong(-1);
        files.put(entry.getKey(), new HubFile(entry.getKey(), size, ""));
      }
      return listing.path("format_version").asInt() == 1
          ? Optional.of(new RepositoryListing(commit, files))
          : Optional.empty();
    } catch (JsonProcessingException damaged) {
      return Optional.empty();
    }
  }
}
