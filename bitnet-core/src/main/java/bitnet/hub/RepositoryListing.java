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
    RepositoryListing names = names(answer.body(), name);
    Map<String, HubFile> files = new TreeMap<>(names.files());
    String tree = api + "/tree/" + names.commit() + "?recursive=true";
    files.putAll(tree(http, name, tree, endpoint));
    return new RepositoryListing(names.commit(), files);
  }

  /// The commit and the names of its files, without sizes and hashes.
  ///
  /// @param info what the hub says of a revision
  /// @throws HubException if that is not JSON, or has no commit
  static RepositoryListing names(byte[] info, HubName name) throws IOException {
    JsonNode root = json(info, name);
    String commit = root.path("sha").asText();
    if (!commit.matches("[0-9a-f]{40}")) {
      throw new HubException(
          "%s: the hub does not say the commit; check HF_ENDPOINT".formatted(name));
    }
    Map<String, HubFile> files = new TreeMap<>();
    for (JsonNode sibling : root.path("siblings")) {
      String path = sibling.path("rfilename").asText();
      files.put(path, new HubFile(path, -1, ""));
    }
    return new RepositoryListing(commit, files);
  }

  private static JsonNode json(byte[] answer, HubName name) throws IOException {
    try {
      return MAPPER.readTree(answer);
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
      files.putAll(entries(answer.body(), name));
      page =
          answer.response().headers().allValues("Link").stream()
              .flatMap(link -> NEXT.matcher(link).results())
              .map(link -> behind(link.group(1), endpoint))
              .findFirst();
    }
    return files;
  }

  /// The files of a page of the listing.
  ///
  /// @throws HubException if it is not JSON
  static Map<String, HubFile> entries(byte[] page, HubName name) throws IOException {
    Map<String, HubFile> files = new TreeMap<>();
    for (JsonNode entry : json(page, name)) {
      if (entry.path("type").asText("file").equals("file")) {
        JsonNode large = entry.path("lfs");
        String hash = large.path("oid").asText(entry.path("oid").asText());
        boolean known = hash.matches("[0-9a-f]{40}|[0-9a-f]{64}");
        long bytes = large.path(SIZE).asLong(entry.path(SIZE).asLong(-1));
        String path = entry.path("path").asText();
        files.put(path, new HubFile(path, Math.max(-1, bytes), known ? hash : ""));
      }
    }
    return files;
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
