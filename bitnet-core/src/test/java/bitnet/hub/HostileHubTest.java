package bitnet.hub;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import bitnet.format.Mutation;
import java.io.IOException;
import java.util.Random;
import org.junit.jupiter.api.Test;

/// Answers of a hub, and listings in the cache, that are damaged.
class HostileHubTest {
  private static final int INPUTS = Mutation.INPUTS / 3;
  private static final HubName NAME = HubName.dataset("org/data");
  private static final String INFO =
      """
      {"id": "org/data", "sha": "%s", "private": false,
       "siblings": [{"rfilename": "README.md"}, {"rfilename": "main/test-00000-of-00001.parquet"}]}
      """
          .formatted(HubServer.COMMIT);
  private static final String TREE =
      """
      [{"type": "directory", "oid": "0", "size": 0, "path": "main"},
       {"type": "file", "oid": "%1$s", "size": 12, "path": "config.json"},
       {"type": "file", "oid": "%1$s", "size": 500, "path": "model.safetensors",
        "lfs": {"oid": "%2$s", "size": 500, "pointerSize": 134}}]
      """
          .formatted("a".repeat(40), "b".repeat(64));
  private static final String LISTING =
      """
      {"format_version": 1, "files": {
        "config.json": {"size": 519, "blob_id": "a"},
        "model.safetensors": {"size": 1234, "blob_id": "b", "lfs_sha256": "c", "lfs_size": 1234}}}
      """;

  /// Reads an answer, and may refuse it.
  private interface Reader {
    void read(byte[] answer) throws IOException;
  }

  private static void check(String good, Reader reader) {
    Random random = new Random(good.length());
    int accepted = 0;
    for (int i = 0; i < INPUTS; i++) {
      byte[] mutated = Mutation.of(good.getBytes(UTF_8), Integer.MAX_VALUE, random);
      accepted += Mutation.read(mutated.length, "org/data", () -> reader.read(mutated)) ? 1 : 0;
    }
    assertThat(accepted).isBetween(1, INPUTS);
  }

  private static void assertFiles(RepositoryListing listing) {
    for (HubFile file : listing.files().values()) {
      assertThat(file.size()).isGreaterThanOrEqualTo(-1);
      assertThat(file.hash()).matches("|[0-9a-f]{40}|[0-9a-f]{64}");
    }
  }

  @Test
  void mutatedRevisions() {
    check(INFO, answer -> assertFiles(RepositoryListing.names(answer, NAME)));
  }

  @Test
  void mutatedListings() {
    check(
        TREE,
        answer ->
            assertFiles(
                new RepositoryListing(HubServer.COMMIT, RepositoryListing.entries(answer, NAME))));
  }

  @Test
  void mutatedListingsOfTheCache() {
    check(
        LISTING,
        answer ->
            RepositoryListing.parse(HubServer.COMMIT, answer)
                .ifPresent(
                    listing -> {
                      assertThat(listing.files().keySet()).isEqualTo(listing.names());
                    }));
  }
}
