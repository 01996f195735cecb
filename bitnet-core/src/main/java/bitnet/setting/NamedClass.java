package bitnet.setting;

import java.lang.reflect.InvocationTargetException;

/// Instances of classes named in settings.
public final class NamedClass {
  private NamedClass() {}

  /// Creates an instance of a class on the class path with its no-argument constructor.
  ///
  /// @param name the full name of the class
  /// @param type what it has to implement
  /// @param setting the name of the setting, for the message
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
          "%s class %s cannot be instantiated; give it a public no-argument constructor and make it"
                  .formatted(setting, name)
              + " public",
          failure);
    } catch (InvocationTargetException failure) {
      throw new IllegalArgumentException(
          "%s class %s cannot be instantiated: its constructor failed with %s"
              .formatted(setting, name, failure.getCause()),
          failure);
    }
  }
}
