package bitnet.tokenizer.jinja;

import bitnet.tokenizer.jinja.Value.Arguments;
import bitnet.tokenizer.jinja.Value.Function;
import bitnet.tokenizer.jinja.Value.None;
import bitnet.tokenizer.jinja.Value.View;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// The functions that every template sees.
final class Globals {
  private static final long LONGEST_RANGE = 100_000; // jinja2's sandbox has the same

  private Globals() {}

  static Map<String, Object> functions() {
    return Map.of(
        "range", (Function) Globals::range,
        "dict", (Function) Globals::dictionary,
        "namespace", (Function) Globals::namespace,
        "strftime_now", (Function) Globals::time);
  }

  private static Object range(Arguments arguments) {
    arguments.requirePositional("range", 1, 3);
    List<Object> bounds = arguments.positional();
    boolean single = bounds.size() == 1;
    long start = single ? 0 : Python.index(bounds.getFirst(), "range's start");
    long stop = Python.index(bounds.get(single ? 0 : 1), "range's stop");
    long step = Python.index(arguments.get(2, "step", 1L), "range's step");
    if (step == 0) {
      throw new JinjaException("range's step is 0");
    }
    List<Object> items = new ArrayList<>();
    for (long i = start; step > 0 ? i < stop : i > stop; i += step) {
      items.add(i);
      if (items.size() > LONGEST_RANGE) {
        throw new JinjaException("a range of more than %d".formatted(LONGEST_RANGE));
      }
    }
    return new View("range", items);
  }

  private static Map<Object, Object> dictionary(Arguments arguments) {
    Map<Object, Object> map = new LinkedHashMap<>();
    for (Object each : arguments.positional()) {
      if (!(each instanceof Map<?, ?> other)) {
        throw JinjaException.unsupported("dict of " + Python.type(each));
      }
      map.putAll(other);
    }
    map.putAll(arguments.named());
    return map;
  }

  private static Object namespace(Arguments arguments) {
    Map<String, Object> attributes = new LinkedHashMap<>();
    dictionary(arguments).forEach((name, value) -> attributes.put(PythonText.str(name), value));
    return new Value.Namespace(attributes);
  }

  private static Object time(Arguments arguments) {
    arguments.require("strftime_now", 1, "format");
    ZonedDateTime now = ZonedDateTime.now(ZoneId.systemDefault());
    String format = PythonText.str(arguments.get(0, "format", None.NONE));
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < format.length(); i++) {
      char c = format.charAt(i);
      if (c != '%' || i + 1 == format.length()) {
        text.append(c);
        continue;
      }
      boolean unpadded = format.charAt(i + 1) == '-' && i + 2 < format.length();
      i += unpadded ? 2 : 1;
      text.append(field(now, format.charAt(i), unpadded));
    }
    return text.toString();
  }

  private static String field(ZonedDateTime now, char field, boolean unpadded) {
    String pattern =
        switch (field) {
          case 'Y' -> "yyyy";
          case 'y' -> "yy";
          case 'm' -> unpadded ? "M" : "MM";
          case 'd' -> unpadded ? "d" : "dd";
          case 'H' -> unpadded ? "H" : "HH";
          case 'I' -> unpadded ? "h" : "hh";
          case 'M' -> unpadded ? "m" : "mm";
          case 'S' -> unpadded ? "s" : "ss";
          case 'j' -> unpadded ? "D" : "DDD";
          case 'p' -> "a";
          case 'A' -> "EEEE";
          case 'a' -> "EEE";
          case 'B' -> "MMMM";
          case 'b', 'h' -> "MMM";
          case 'F' -> "yyyy-MM-dd";
          case 'T' -> "HH:mm:ss";
          case '%' -> "'%'";
          default -> throw JinjaException.unsupported("strftime_now with %" + field);
        };
    return DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH).format(now);
  }
}
