package bitnet.data;

import java.util.regex.Pattern;

/// The one text form of questions and answers, for training and for generation:
///
/// ```
/// <user>{query}</user><assistant>                                          the prompt
/// <think>{reasoning}</think>{answer}                                       the target
/// <user>{query}<think>{first_answer}</think>{guiding_prompt}</user><assistant>   a second try
/// ```
///
/// Nothing is put between tags and texts: a guiding prompt is written as it is given.
///
/// The tags are plain text: any tokenizer can write them. In training, target and the end-of-text
/// token (a line break in a vocabulary without one) follow the prompt.
public final class QaTemplate {
  /// Begins the reasoning of an answer.
  public static final String THINK = "<think>";

  /// Ends the reasoning of an answer.
  public static final String END_THINK = "</think>";

  /// The guiding prompt where nothing else is given.
  public static final String GUIDING_PROMPT = "Review and correct the answer:";

  /// Stands in a guiding prompt for the question, which is then asked again.
  public static final String QUERY = "{query}";

  private static final String USER = "<user>";
  private static final String ASSISTANT = "</user><assistant>";

  private QaTemplate() {}

  /// What a model is given to answer.
  public static String prompt(String query) {
    return USER + query + ASSISTANT;
  }

  /// What a model is given to correct its first answer.
  ///
  /// @param firstAnswer the whole first completion, its reasoning included
  /// @param guidingPrompt a sentence that asks for a check, with the question for [#QUERY]
  public static String correctionPrompt(String query, String firstAnswer, String guidingPrompt) {
    return prompt(correctionQuery(query, firstAnswer, guidingPrompt));
  }

  /// The query of a correction, as a record holds it: question, first answer and guiding prompt.
  static String correctionQuery(String query, String firstAnswer, String guidingPrompt) {
    String guide = guidingPrompt.replace(QUERY, query);
    return query + THINK + firstAnswer + END_THINK + guide;
  }

  /// How often a guiding prompt repeats the question.
  public static int queries(String guidingPrompt) {
    return guidingPrompt.split(Pattern.quote(QUERY), -1).length - 1;
  }

  /// What a model should complete the prompt with.
  public static String target(QaRecord record) {
    String reasoning = record.reasoning().map(way -> THINK + way + END_THINK).orElse("");
    return reasoning + record.answer();
  }

  /// Prompt and target: a training text.
  public static String text(QaRecord record) {
    return prompt(record.query()) + target(record);
  }
}
