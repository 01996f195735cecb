package bitnet.setting;

import java.lang.reflect.InvocationTargetException;

/// Objects of classes that a setting names.
public final class NamedClass {
  private NamedClass() {}

  /// Makes an object of a class of the class path, with its constructor without parameters.
  ///
  /// @param name the full name of the class
  /// @param type what it has to implement
  /// @param setting what the message calls the setting
  /// @throws IllegalArgumentException if the class is missing or cannot be used
  public static <T> T instance(String name, Class<T> type, String setting) {
    try {
      Class<?> found = Class.forName(name);
      if (!type.isAssignableFrom(found)) {
        throw new IllegalArgumentException(
            "class %s does not implement %s; make it implement that interface"
                .formatted(name, type.getName()));
      }
      return type.cast(found.getConstructor().newInstance());
    } catch (ClassNotFoundException failure) {
      throw new IllegalArgumentException(
          "%s class %s is not on the class path; add its directory or jar with BITNET_CLASS_PATH"
              .formatted(setting, name),
          failure);
    } catch (NoSuchMethodException | InstantiationException | IllegalAccessException failure) {
      throw new IllegalArgumentException(
          "%s class %s cannot be made; give it a public constructor without parameters and make it"
                  .formatted(setting, name)
              + " public",
          failure);
    } catch (InvocationTargetException failure) {
      throw new IllegalArgumentException(
          "%s class %s cannot be made: its constructor failed with %s"
              .formatted(setting, name, failure.getCause()),
          failure);
    }
  }
}
