package bitnet.reward;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Words after a number: units of measurement, which have one name here, and nouns that are
/// counted, which have none.
final class Units {
  /// Letters that are units after a number, and those that are so without a blank in between.
  private static final String SINGLE = "mgshlLNJWVKCFA\u03a9";

  private static final String GLUED = "mgLNJWVK\u03a9";
  private static final Map<String, String> NAMES = names();

  /// Words that change the number before them, or say that it is not the answer.
  private static final Set<String> OTHER_MEANING =
      Set.of(
          "not",
          "no",
          "never",
          "or",
          "and",
          "nor",
          "but",
          "if",
          "between",
          "than",
          "times",
          "plus",
          "minus",
          "over",
          "squared",
          "cubed",
          "factorial",
          "root",
          "half",
          "halves",
          "third",
          "thirds",
          "quarter",
          "quarters",
          "mod",
          "base",
          "choose",
          "to",
          "is",
          "are",
          "was",
          "equals",
          "divided",
          "multiplied",
          "sqrt",
          "sin",
          "cos",
          "tan",
          "log",
          "ln",
          "exp",
          "pi",
          "isn't",
          "in",
          "because",
          "since",
          "so",
          "where",
          "when",
          "for",
          "with");

  private static final String WORD =
      "[\\p{L}\u00b5\u03a9]['\\p{L}.-]*(?: ?\\^ ?(?:\\{ ?-?\\d ?}|-?\\d))?";
  private static final Pattern UNIT = Pattern.compile(WORD + "(?:(?: ?[/*] ?| )" + WORD + ")*[.]?");
  private static final Pattern POWER = Pattern.compile(" ?\\^ ?\\{? ?(-?\\d) ?}?");

  private Units() {}

  private static Map<String, String> names() {
    Map<String, String> names = new HashMap<>();
    String[] units = {
      "m meter metre meters metres",
      "cm centimeter centimetre centimeters centimetres",
      "mm millimeter millimetre millimeters millimetres",
      "nm nanometer nanometers",
      "km kilometer kilometre kilometers kilometres",
      "in. inch inches",
      "ft foot feet",
      "yd yard yards",
      "mi mile miles",
      "g gram grams",
      "kg kilogram kilograms",
      "mg milligrams",
      "lb lbs pound-weight",
      "oz ounce ounces",
      "ton tons tonne tonnes",
      "l liter litre liters litres",
      "ml milliliter milliliters millilitres",
      "gal gallon gallons",
      "s sec secs second seconds",
      "min mins minute minutes",
      "h hr hrs hour hours",
      "ms",
      "day days",
      "week weeks",
      "month months",
      "yr yrs year years",
      "degree degrees deg",
      "rad radian radians",
      "dollar dollars usd",
      "euro euros eur",
      "pound pounds gbp",
      "cent cents",
      "n newton newtons",
      "j joule joules",
      "kj",
      "ev",
      "mev",
      "w watt watts",
      "kw",
      "mw",
      "v volt volts",
      "hz hertz",
      "khz",
      "mhz",
      "k kelvin",
      "pa pascal pascals",
      "kpa",
      "c celsius",
      "f fahrenheit",
      "a amp amps ampere amperes",
      "mol moles",
      "mph",
      "kph km/h",
      "acre acres",
      "\u03c9 ohm ohms",
      "t tesla",
      "pc",
      "au",
      "unit units",
      "ly",
      "erg ergs",
      "dyn dyne",
      "cal kcal",
      "bit bits",
      "byte bytes",
      "kb",
      "mb",
      "gb"
    };
    for (String unit : units) {
      String[] spellings = unit.split(" ", -1);
      for (String spelling : spellings) {
        names.put(spelling, spellings[0]);
      }
    }
    return Map.copyOf(names);
  }

  /// The name of what stands behind a number.
  ///
  /// @param words what stands there
  /// @param glued whether nothing is in between, as in `5cm`: then only units are meant
  /// @return the unit's name; "" for a counted noun; empty where the words are neither
  static Optional<String> name(String words, boolean glued) {
    if (!UNIT.matcher(words).matches()) {
      return Optional.empty();
    }
    StringBuilder name = new StringBuilder();
    boolean known = true;
    for (String part : words.split("(?<=[/* ])|(?=[/* ])", -1)) {
      String word = part.toLowerCase(Locale.ROOT);
      if (word.isBlank() || word.equals("*")) {
        continue;
      }
      if (word.equals("/") || word.equals("per")) {
        name.append('/');
        continue;
      }
      if (part.matches("\\p{L}.*") && isVariable(part, glued)) {
        return Optional.empty();
      }
      Optional<String> unit = unit(word);
      boolean isWord =
          word.matches("['\\p{L}.-]{2,}")
              && !OTHER_MEANING.contains(word)
              && !NumberWords.begins(word);
      if (unit.isEmpty() && (!isWord || glued)) {
        return Optional.empty();
      }
      known &= unit.isPresent();
      name.append(unit.orElse("")).append(' ');
    }
    return Optional.of(known ? spelledOut(name.toString().strip()) : "");
  }

  /// Whether a letter is a variable rather than a unit, which is a matter of case and distance:
  /// `5 s` is a time and `5s` a product.
  private static boolean isVariable(String word, boolean glued) {
    boolean letter = word.length() == 1 || !Character.isLetter(word.charAt(1));
    return letter
        && !word.startsWith(".", 1)
        && (glued ? GLUED : SINGLE).indexOf(word.charAt(0)) < 0;
  }

  /// A unit with its power: `cm^{2}` is `cm2`; nothing for other words.
  private static Optional<String> unit(String word) {
    Matcher power = POWER.matcher(word);
    String exponent = "";
    String bare = word;
    if (power.find()) {
      exponent = power.group(1);
      bare = word.substring(0, power.start());
    } else if (word.matches("[a-z]+\\d")) {
      exponent = word.substring(word.length() - 1);
      bare = word.substring(0, word.length() - 1);
    }
    if (bare.equals("in") && !exponent.isEmpty()) {
      return Optional.of("in." + exponent);
    }
    String name = NAMES.get(bare.endsWith(".") ? bare.substring(0, bare.length() - 1) : bare);
    if (bare.matches("square|sq|cubic|sq\\.")) {
      return Optional.of(bare.startsWith("sq") ? "2 of" : "3 of");
    }
    return name == null ? Optional.empty() : Optional.of(name + exponent);
  }

  /// `square cm` is `cm2`.
  private static String spelledOut(String name) {
    return name.replaceAll("([23]) of (\\S+)", "$2$1").replaceAll(" ?/ ?", "/").strip();
  }
}
