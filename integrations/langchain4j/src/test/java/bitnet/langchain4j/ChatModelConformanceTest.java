package bitnet.langchain4j;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.common.AbstractChatModelIT;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import java.util.List;

/// LangChain4j's own tests of what a model must do, on an engine that knows the answers.
class ChatModelConformanceTest extends AbstractChatModelIT {
  private static ChatModel model(
      ChatRequestParameters parameters, List<ChatModelListener> listeners) {
    ChatRequestParameters named = ChatRequestParameters.builder().modelName("scripted").build();
    return new BitNetChatModel(new ScriptedEngine(), named.overrideWith(parameters), listeners);
  }

  @Override
  protected List<ChatModel> models() {
    return List.of(model(ChatRequestParameters.builder().build(), List.of()));
  }

  @Override
  protected ChatModel createModelWith(ChatRequestParameters parameters) {
    return model(parameters, List.of());
  }

  @Override
  protected String customModelName() {
    return "other";
  }

  @Override
  protected ChatRequestParameters createIntegrationSpecificParameters(int maxOutputTokens) {
    return ChatRequestParameters.builder().maxOutputTokens(maxOutputTokens).build();
  }

  @Override
  protected boolean supportsTools() {
    return false;
  }

  @Override
  protected boolean supportsToolChoiceRequired() {
    return false;
  }

  @Override
  protected boolean supportsSingleImageInputAsBase64EncodedString() {
    return false;
  }

  @Override
  protected boolean supportsSingleImageInputAsPublicURL() {
    return false;
  }
}
