package bitnet.tokenizer;

import bitnet.storage.PrintableText;
import bitnet.tokenizer.jinja.JinjaException;
import bitnet.tokenizer.jinja.Template;
import bitnet.tokenizer.jinja.Value;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The Jinja template that makes one text of a conversation, as Hugging Face tokenizers have it in
/// `chat_template.jinja` or in `tokenizer_config.json`.
///
/// Templates come with models, from strangers: they cannot read files or call into Java, what they
/// print is bounded, and what a user wrote is never itself taken for a template.
public final class ChatTemplate {
  /// The file of its own that a template may have.
  public static final String FILE = "chat_template.jinja";

  /// How a conversation is written for a model that has no template: as the toolkit's own questions
  /// and answers are.
  private static final String PLAIN =
      "{% for message in messages %}"
          + "<{{ message.role }}>{{ message.content }}</{{ message.role }}>"
          + "{% endfor %}"
          + "{% if add_generation_prompt %}<assistant>{% endif %}";

  private static final String KEY = "chat_template";
  private static final int MOST_BYTES = 1 << 20;

  private final String source;
  private final @Nullable String beginOfText;
  private final @Nullable String endOfText;
  private @Nullable Template parsed;

  /// One turn of a conversation.
  ///
  /// @param role `system`, `user` or `assistant`
  /// @param content what was said
  public record Message(String role, String content) {}

  /// A template.
  ///
  /// @param source Jinja, rendered as transformers does, with `trim_blocks` and `lstrip_blocks`
  /// @param beginOfText what it sees as `bos_token`, or null
  /// @param endOfText what it sees as `eos_token`, or null
  public ChatTemplate(String source, @Nullable String beginOfText, @Nullable String endOfText) {
    this.source = source;
    this.beginOfText = beginOfText;
    this.endOfText = endOfText;
  }

  /// The template for models that have none: `<user>...</user><assistant>...</assistant>`.
  public static ChatTemplate plain() {
    return new ChatTemplate(PLAIN, null, null);
  }

  /// Reads the template of a model directory, if it has one. A file of its own rules over
  /// tokenizer_config.json; of several templates there the one called `default` is taken.
  ///
  /// @throws IOException if a file is damaged: the file, the reason, the remedy
  public static Optional<ChatTemplate> load(Path directory) throws IOException {
    Path config = directory.resolve(Tokenizer.CONFIG);
    JsonNode root =
        Files.exists(config)
            ? TokenizerFile.parse(TokenizerFile.read(config), config.toString())
            : TokenizerFile.JSON.createObjectNode();
    Path own = directory.resolve(FILE);
    Optional<String> source =
        Files.exists(own)
            ? Optional.of(text(TokenizerFile.read(own), own.toString()))
            : source(root, config.toString());
    return source.map(
        text -> new ChatTemplate(text, token(root, "bos_token"), token(root, "eos_token")));
  }

  /// The text of a file of its own.
  static String text(byte[] bytes, String name) throws IOException {
    if (bytes.length > MOST_BYTES) {
      throw new IOException(
          "%s: %d bytes are more than a chat template can have (%d); is it the right file?"
              .formatted(name, bytes.length, MOST_BYTES));
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException damage) {
      throw new IOException(name + ": is not UTF-8; get the file again", damage);
    }
  }

  /// The text in a tokenizer_config.json, if there is one.
  static Optional<String> source(JsonNode config, String name) throws IOException {
    JsonNode node = config.path(KEY);
    for (JsonNode named : node) { // several templates
      if (named.path("name").asText().equals("default")) {
        node = named.path("template");
      }
    }
    if (node.isMissingNode() || node.isNull()) {
      return Optional.empty();
    }
    if (!node.isTextual() || node.textValue().length() > MOST_BYTES) {
      throw new IOException(
          "%s: %s is neither a text nor a list with a template named default; correct it"
              .formatted(name, KEY));
    }
    return Optional.of(node.textValue());
  }

  private static @Nullable String token(JsonNode root, String key) {
    JsonNode node = root.path(key);
    JsonNode content = node.isObject() ? node.path("content") : node;
    return content.isTextual() ? content.textValue() : null;
  }

  /// The template's text.
  public String source() {
    return source;
  }

  /// One text of a conversation, special tokens spelled out.
  ///
  /// @param answerNext whether the text ends where the assistant's answer begins
  /// @throws IllegalArgumentException if the template refuses the messages, with its own reason, or
  ///     uses what is not supported
  public String render(List<Message> messages, boolean answerNext) {
    return render(messages.stream().map(ChatTemplate::variable).toList(), Map.of(), answerNext);
  }

  /// One text of a conversation whose messages may have more than a role and a content, as
  /// transformers gives them to a template.
  ///
  /// @param messages a list of objects
  /// @param variables further ones that the template sees, for example `tools`
  /// @param answerNext as above
  /// @throws IllegalArgumentException as above
  public String render(JsonNode messages, Map<String, JsonNode> variables, boolean answerNext) {
    Map<String, Object> values = new HashMap<>();
    variables.forEach((name, each) -> values.put(name, value(each)));
    List<Object> list = new ArrayList<>();
    messages.forEach(each -> list.add(value(each)));
    return render(list, values, answerNext);
  }

  private String render(List<?> messages, Map<String, Object> more, boolean answerNext) {
    Map<String, Object> variables = new HashMap<>();
    variables.put("tools", Value.None.NONE);
    variables.put("documents", Value.None.NONE);
    variables.putAll(more);
    variables.put("messages", messages);
    variables.put("add_generation_prompt", answerNext);
    variables.put("raise_exception", (Value.Function) ChatTemplate::refuse);
    if (beginOfText != null) {
      variables.put("bos_token", beginOfText);
    }
    if (endOfText != null) {
      variables.put("eos_token", endOfText);
    }
    try {
      return template().render(variables);
    } catch (Refusal refusal) {
      throw new IllegalArgumentException(
          "the chat template refuses this conversation: " + refusal.getMessage(), refusal);
    } catch (JinjaException failure) {
      throw new IllegalArgumentException(
          "the chat template does not render: " + oneLine(failure.getMessage()), failure);
    }
  }

  private synchronized Template template() {
    if (parsed == null) {
      parsed = Template.parse(source);
    }
    return parsed;
  }

  private static Map<String, Object> variable(Message message) {
    Map<String, Object> variable = new LinkedHashMap<>(); // a template may print it
    variable.put("role", message.role());
    variable.put("content", message.content());
    return variable;
  }

  /// JSON as a template sees it.
  private static Object value(JsonNode node) {
    if (node.isObject()) {
      Map<String, Object> map = new LinkedHashMap<>();
      node.properties().forEach(each -> map.put(each.getKey(), value(each.getValue())));
      return map;
    }
    if (node.isArray()) {
      List<Object> list = new ArrayList<>();
      node.forEach(each -> list.add(value(each)));
      return list;
    }
    if (node.isTextual()) {
      return node.textValue();
    }
    if (node.isBoolean()) {
      return node.booleanValue();
    }
    if (node.isNumber()) {
      return node.isIntegralNumber() && node.canConvertToLong()
          ? (Object) node.longValue()
          : (Object) node.doubleValue();
    }
    return Value.None.NONE;
  }

  private static Object refuse(Value.Arguments arguments) {
    List<Object> reason = arguments.positional();
    throw new Refusal(reason.isEmpty() ? "" : String.valueOf(reason.getFirst()));
  }

  private static String oneLine(@Nullable String message) {
    return message == null
        ? "unknown reason"
        : PrintableText.escape(message.replaceAll("\\s+", " ").strip());
  }

  /// What a template throws by calling `raise_exception(reason)`.
  private static final class Refusal extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private Refusal(String reason) {
      super(oneLine(reason));
    }
  }
}
