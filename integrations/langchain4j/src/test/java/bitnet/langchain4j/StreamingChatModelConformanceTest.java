package bitnet.langchain4j;

import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.common.AbstractStreamingChatModelIT;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import java.util.List;

/// LangChain4j's own tests of what a model must do, on an engine that knows the answers.
class StreamingChatModelConformanceTest extends AbstractStreamingChatModelIT {
  private static StreamingChatModel model(
      ChatRequestParameters parameters, List<ChatModelListener> listeners) {
    ChatRequestParameters named = ChatRequestParameters.builder().modelName("scripted").build();
    return new BitNetStreamingChatModel(
        new ScriptedEngine(), named.overrideWith(parameters), listeners);
  }

  @Override
  protected List<StreamingChatModel> models() {
    return List.of(model(ChatRequestParameters.builder().build(), List.of()));
  }

  @Override
  protected StreamingChatModel createModelWith(ChatRequestParameters parameters) {
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

  @Override
  public StreamingChatModel createModelWith(ChatModelListener listener) {
    return model(ChatRequestParameters.builder().build(), List.of(listener));
  }
}
