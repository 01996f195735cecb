package bitnet.grammar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bitnet.tokenizer.Tokenizer;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.InputFormat;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Texts of random tokens that a grammar allows, judged by a JSON parser and another project's
/// schema validator.
class TokenGrammarTest {
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();
  private static final Tokenizer BYTES = Tokenizer.byteLevel();
  private static final Tokenizer WORDS = Tokenizer.bundled();
  private static final TokenBytes BYTE_TOKENS = new TokenBytes(BYTES, Set.of());
  private static final int END = WORDS.endOfText().orElseThrow();
  private static final TokenBytes WORD_TOKENS = new TokenBytes(WORDS, Set.of(END));
  private static final int LONGEST = 60_000;

  @AfterAll
  static void close() {
    BYTES.close();
    WORDS.close();
  }

  /// A text of tokens that are drawn at random from those that may follow; those that end something
  /// more often, so that it ends.
  private static String randomText(TokenGrammar grammar, TokenBytes tokens, Random random)
      throws CharacterCodingException {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    TokenGrammar.Progress progress = grammar.begin();
    int vocabulary = tokens == BYTE_TOKENS ? 256 : WORDS.vocabSize();
    while (!progress.isEnded()) {
      assertThat(text.size()).isLessThan(LONGEST);
      TokenMask mask = progress.mask();
      int token = -1;
      for (int tries = 0; token < 0; tries++) {
        int some = random.nextInt(vocabulary);
        byte[] bytes = tokens.text(some);
        boolean ends = bytes.length > 0 && "\"}]".indexOf(bytes[bytes.length - 1]) >= 0;
        if (mask.allows(some) && (ends || random.nextInt(4) == 0)) {
          token = some;
        }
        assertThat(tries).as("tries after %s", text).isLessThan(200 * vocabulary);
      }
      progress.take(token);
      text.writeBytes(tokens.text(token));
    }
    return StandardCharsets.UTF_8
        .newDecoder()
        .decode(ByteBuffer.wrap(text.toByteArray()))
        .toString();
  }

  @Test
  void everyTextOfARandomSchemaIsValid() throws Exception {
    Random random = new Random(5);
    JsonSchemaFactory validators = JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012);
    RandomSchemas schemas = new RandomSchemas(3);
    int valid = 0;
    for (int i = 0; i < 300; i++) {
      JsonNode schema = schemas.next();
      JsonSchema validator = validators.getSchema(schema);
      for (TokenBytes tokens : new TokenBytes[] {BYTE_TOKENS, WORD_TOKENS}) {
        TokenGrammar grammar = TokenGrammar.jsonSchema(tokens, "<<", schema, ">>");
        String text = randomText(grammar, tokens, random);
        assertThat(text).startsWith("<<").endsWith(">>");
        String value = text.substring(2, text.length() - 2);
        assertThat(validator.validate(value, InputFormat.JSON))
            .as("%s\n%s", schema, value)
            .isEmpty();
        JSON.readTree(value); // as strict as the validator's own reader may not be
        valid++;
      }
    }
    assertThat(valid).isEqualTo(600);
  }

  private static boolean accepts(TokenGrammar grammar, String text) {
    TokenGrammar.Progress progress = grammar.begin();
    for (byte each : text.getBytes(StandardCharsets.UTF_8)) {
      if (!progress.mask().allows(Byte.toUnsignedInt(each))) {
        return false;
      }
      progress.take(Byte.toUnsignedInt(each));
    }
    return progress.isEnded();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{} | true",
        "{\"a\": [1, -2.5e3, true, null, {\"b\": \"\\u00e9\\n\"}]} | true",
        "{\"a\":[]} | true",
        "{\"a\": \"Grüße 🙂\"} | true",
        "{\"a\": 01} | false",
        "{\"a\": .5} | false",
        "{\"a\": 1.} | false",
        "{\"a\": \"\\ud83d\"} | false",
        "{\"a\": \"\\x\"} | false",
        "{\"a\": tru} | false",
        "{\"a\" 1} | false",
        "{a: 1} | false",
        "{\"a\": 1,} | false",
        "{\"a\": [1,]} | false",
        "[1] | false",
        "{}{} | false",
      })
  void jsonObjectsAreWhatRfc8259SaysWithABoundOnWhiteSpace(String text, boolean isObject) {
    assertThat(accepts(TokenGrammar.jsonObject(BYTE_TOKENS), text)).isEqualTo(isObject);
  }

  @Test
  void aSchemaAllowsItsValuesAndNoOthers() throws Exception {
    JsonNode schema =
        JSON.readTree(
            """
            {"type": "object", "required": ["city", "unit"], "additionalProperties": false,
             "properties": {
               "city": {"type": "string"},
               "days": {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 2},
               "unit": {"enum": ["C", "F"]}}}
            """);
    TokenGrammar grammar = TokenGrammar.jsonSchema(BYTE_TOKENS, "", schema, "");

    assertThat(accepts(grammar, "{\"city\": \"Bern\", \"unit\": \"C\"}")).isTrue();
    assertThat(accepts(grammar, "{\"city\":\"Bern\",\"days\":[1,2],\"unit\":\"F\"}")).isTrue();
    assertThat(accepts(grammar, "{\n  \"city\": \"Bern\",\n  \"unit\": \"C\"\n}")).isTrue();
    assertThat(accepts(grammar, "{\"unit\": \"C\", \"city\": \"Bern\"}")).isFalse();
    assertThat(accepts(grammar, "{\"city\": \"Bern\"}")).isFalse();
    assertThat(accepts(grammar, "{\"city\": 5, \"unit\": \"C\"}")).isFalse();
    assertThat(accepts(grammar, "{\"city\": \"B\", \"days\": [], \"unit\": \"C\"}")).isFalse();
    assertThat(accepts(grammar, "{\"city\": \"B\", \"days\": [1,2,3], \"unit\": \"C\"}")).isFalse();
    assertThat(accepts(grammar, "{\"city\": \"B\", \"unit\": \"K\"}")).isFalse();
    assertThat(accepts(grammar, "{\"city\": \"B\", \"unit\": \"C\", \"more\": 1}")).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "` free < <call text <call >` | true",
        "<call>{\"a\": 1}</call> | true",
        "`text <<call>\n{\"a\": 1}\n</call> and <call>{\"a\":2}</call>.` | true",
        "<call>{\"a\": 1} | false",
        "<call>not JSON</call> | false",
        "text <call>{\"b\": 1}</call> | false",
      })
  void everyMarkerIsFollowedByAValueOfTheSchema(String text, boolean isComplete) throws Exception {
    JsonNode schema =
        JSON.readTree(
            "{\"properties\": {\"a\": {\"type\": \"integer\"}}, \"required\": [\"a\"],"
                + " \"additionalProperties\": false}");
    TokenBytes ending = new TokenBytes(BYTES, Set.of(0)); // the byte 0 ends a text
    TokenGrammar.Progress progress =
        TokenGrammar.jsonAfterMarkers(ending, "<call>", schema, "</call>").begin();
    boolean allowed = true;
    for (byte each : text.getBytes(StandardCharsets.UTF_8)) {
      allowed &= progress.mask().allows(Byte.toUnsignedInt(each));
      progress.take(Byte.toUnsignedInt(each));
    }

    assertThat(allowed && progress.mask().allows(0)).isEqualTo(isComplete);
  }

  @Test
  void aValueOfTheSchemaMayStandInPlaceOfAText() throws Exception {
    TokenGrammar grammar =
        TokenGrammar.jsonOrText(BYTE_TOKENS, JSON.readTree("{\"enum\": [{\"name\": \"f\"}]}"));

    assertThat(accepts(grammar, "{\"name\":\"f\"}")).isTrue();
    TokenMask start = grammar.begin().mask();
    assertThat(start.allows('{')).isTrue();
    assertThat(start.allows('a')).isTrue();
    assertThat(start.allows(' ')).isFalse();
    assertThat(accepts(grammar, "{\"other\"")).isFalse();
  }

  @Test
  void nestingIsBoundedWithoutADeadEnd() {
    TokenGrammar.Progress progress = TokenGrammar.jsonObject(BYTE_TOKENS).begin();
    int depth = 0;
    progress.take('{');
    for (; depth < 1000; depth++) {
      for (char each : "\"a\":".toCharArray()) {
        progress.take(each);
      }
      if (!progress.mask().allows('{')) {
        break;
      }
      progress.take('{');
    }
    assertThat(depth).isEqualTo(63);
    assertThat(progress.mask().allows('1')).isTrue();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"type\": \"string\", \"pattern\": \"a+\"} | at # has pattern, which is not supported",
        "{\"properties\": {\"a/b\": {\"minimum\": 1}}} | at #/properties/a~1b has minimum",
        "{\"type\": \"text\"} | has the type text, which JSON does not have",
        "{\"type\": \"string\", \"items\": {}} | has items, but no type array",
        "{\"enum\": []} | has enum that is not a list",
        "{\"type\": \"string\", \"enum\": [1]} | has no value of its type",
        "{\"anyOf\": [{}], \"type\": \"string\"} | has other keywords beside anyOf",
        "{\"$ref\": \"#/$defs/none\"} | which is not there",
        "{\"$ref\": \"http://example.com\"} | does not begin with #",
        "{\"$ref\": \"#\"} | refers to itself",
        "{\"anyOf\": [{\"$ref\": \"#\"}, {\"type\": \"null\"}]} | refers to itself",
        "{\"type\": \"array\", \"minItems\": 3, \"maxItems\": 2} | more minItems than maxItems",
        "{\"type\": \"array\", \"minItems\": -1} | has minItems that is not from 0 to 1000",
        "{\"required\": [\"a\"]} | requires \"a\", which is not in properties",
        "{\"properties\": {\"a\": {\"$ref\": \"#\"}}, \"required\": [\"a\"]} | no finite value",
        "[] | is not an object",
      })
  void whatCannotBePromisedIsRefusedWithItsPlace(String schema, String reason) {
    assertThatThrownBy(() -> TokenGrammar.jsonSchema(BYTE_TOKENS, "", JSON.readTree(schema), ""))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(reason);
  }

  @Test
  @Timeout(20)
  void largeSchemasTakeLittleTimeOrAreRefused() {
    ObjectNode choices = JSON.createObjectNode();
    ArrayNode values = choices.putArray("enum");
    for (int i = 0; i < 5000; i++) {
      values.add("value " + i * 7919);
    }
    TokenGrammar.Progress progress = TokenGrammar.jsonSchema(WORD_TOKENS, "", choices, "").begin();
    assertThat(progress.mask().allows(idOf((byte) '"'))).isTrue();
    progress.take(idOf((byte) '"'));
    assertThat(progress.mask().allows(idOf((byte) 'v'))).isTrue();

    ObjectNode longText = JSON.createObjectNode().put("const", "x".repeat(150_000));
    assertThat(TokenGrammar.jsonSchema(WORD_TOKENS, "", longText, "").begin().isEnded()).isFalse();
    ObjectNode tooLong = JSON.createObjectNode().put("const", "x".repeat(300_000));
    assertThatThrownBy(() -> TokenGrammar.jsonSchema(WORD_TOKENS, "", tooLong, ""))
        .hasMessage("the schema is too large");
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void theMaskHasExactlyTheTokensAfterWhichATextCanGoOn(boolean isBytes) {
    TokenBytes tokens = isBytes ? BYTE_TOKENS : WORD_TOKENS;
    TokenGrammar grammar = TokenGrammar.jsonObject(tokens);
    TokenGrammar bytes = TokenGrammar.jsonObject(BYTE_TOKENS);
    for (String beginning : new String[] {"", "{", "{\"ab", "{\"a\": -", "{\"a\": \"x\", ", "{}"}) {
      TokenGrammar.Progress progress = bytes.begin();
      TokenGrammar.Progress other = grammar.begin();
      for (byte each : beginning.getBytes(StandardCharsets.UTF_8)) {
        progress.take(Byte.toUnsignedInt(each));
        other.take(isBytes ? Byte.toUnsignedInt(each) : idOf(each));
      }
      TokenMask mask = other.mask();
      for (int id = 0; id < (isBytes ? 256 : WORDS.vocabSize()); id++) {
        byte[] text = tokens.text(id);
        boolean allowed =
            (id == END && !isBytes) ? progress.isEnded() : goesOn(bytes, beginning, text);
        assertThat(mask.allows(id)).as("%s + %d", beginning, id).isEqualTo(allowed);
      }
    }
  }

  private static int idOf(byte value) {
    for (int id = 0; id < WORDS.vocabSize(); id++) {
      byte[] text = WORD_TOKENS.text(id);
      if (text.length == 1 && text[0] == value) {
        return id;
      }
    }
    throw new AssertionError(value);
  }

  private static boolean goesOn(TokenGrammar bytes, String beginning, byte[] text) {
    TokenGrammar.Progress progress = bytes.begin();
    for (byte each : beginning.getBytes(StandardCharsets.UTF_8)) {
      progress.take(Byte.toUnsignedInt(each));
    }
    for (byte each : text) {
      if (!progress.mask().allows(Byte.toUnsignedInt(each))) {
        return false;
      }
      progress.take(Byte.toUnsignedInt(each));
    }
    return text.length > 0;
  }

  @Test
  void aVocabularyWithoutSomeCharacterIsRefused() {
    Set<Integer> quote = Set.of((int) '"');
    assertThatThrownBy(() -> new TokenBytes(BYTES, quote))
        .hasMessageContaining("no token for each character of ASCII");
  }
}
