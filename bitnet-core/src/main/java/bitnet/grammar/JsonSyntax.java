package bitnet.grammar;

import bitnet.grammar.Grammar.Node;
import bitnet.grammar.Grammar.Rule;

/// The rules of JSON (RFC 8259) without a schema. Numbers have at most 16 digits before and after
/// the point, so that a text cannot go on in a number for ever, and white space is bounded too.
final class JsonSyntax {
  private static final int MOST_DIGITS = 16;
  private static final int MOST_INDENT = 16;

  private final Grammar grammar;
  final Rule space;
  final Rule string;
  final Rule number;
  final Rule integer;
  final Rule bool;
  final Rule nothing;
  final Rule object;
  final Rule array;
  final Rule value;

  JsonSyntax(Grammar grammar) {
    this.grammar = grammar;
    space = makeSpace();
    string = makeString();
    integer = makeInteger();
    number = makeNumber();
    bool = words("true", "false");
    nothing = words("null");
    object = grammar.rule(true);
    array = grammar.rule(true);
    value = grammar.rule(false);
    for (Rule each : new Rule[] {string, number, bool, nothing, object, array}) {
      Grammar.call(value.start, each, value.end);
    }
    fillObject();
    fillArray();
  }

  private Rule words(String... words) {
    Rule rule = grammar.rule(false);
    for (String word : words) {
      grammar.text(rule.start, word, rule.end);
    }
    return rule;
  }

  /// Nothing, a space, or a new line with indentation.
  private Rule makeSpace() {
    Rule rule = grammar.rule(false);
    Grammar.empty(rule.start, rule.end);
    Grammar.bytes(rule.start, ' ', ' ', rule.end);
    Node at = grammar.node();
    Grammar.bytes(rule.start, '\n', '\n', at);
    for (int i = 0; i < MOST_INDENT; i++) {
      Grammar.empty(at, rule.end);
      Node next = grammar.node();
      Grammar.bytes(at, ' ', ' ', next);
      at = next;
    }
    Grammar.empty(at, rule.end);
    return rule;
  }

  /// Characters in UTF-8 (RFC 3629) and escapes; surrogates cannot be escaped, since half a pair is
  /// no character.
  private Rule makeString() {
    Rule rule = grammar.rule(false);
    Node inside = grammar.node();
    Grammar.bytes(rule.start, '"', '"', inside);
    Grammar.bytes(inside, '"', '"', rule.end);
    Grammar.bytes(inside, ' ', '!', inside);
    Grammar.bytes(inside, '#', '[', inside);
    Grammar.bytes(inside, ']', 0x7F, inside);
    Node one = grammar.node(); // more bytes to come
    Node two = grammar.node();
    Node three = grammar.node();
    Grammar.bytes(one, 0x80, 0xBF, inside);
    Grammar.bytes(two, 0x80, 0xBF, one);
    Grammar.bytes(three, 0x80, 0xBF, two);
    Grammar.bytes(inside, 0xC2, 0xDF, one);
    first(inside, 0xE0, 0xA0, 0xBF, one);
    Grammar.bytes(inside, 0xE1, 0xEC, two);
    first(inside, 0xED, 0x80, 0x9F, one);
    Grammar.bytes(inside, 0xEE, 0xEF, two);
    first(inside, 0xF0, 0x90, 0xBF, two);
    Grammar.bytes(inside, 0xF1, 0xF3, three);
    first(inside, 0xF4, 0x80, 0x8F, two);
    Node escape = grammar.node();
    Grammar.bytes(inside, '\\', '\\', escape);
    Grammar.anyOf(escape, "\"\\/bfnrt", inside);
    Node hex = grammar.node();
    Grammar.bytes(escape, 'u', 'u', hex);
    Node[] digits = {grammar.node(), grammar.node(), grammar.node()};
    Grammar.anyOf(hex, "0123456789abcefABCEF", digits[0]);
    Node belowSurrogates = grammar.node();
    Grammar.anyOf(hex, "dD", belowSurrogates);
    Grammar.anyOf(belowSurrogates, "01234567", digits[1]);
    hexDigit(digits[0], digits[1]);
    hexDigit(digits[1], digits[2]);
    hexDigit(digits[2], inside);
    return rule;
  }

  /// A first byte after which the second one has a range of its own.
  private void first(Node from, int first, int low, int high, Node target) {
    Node second = grammar.node();
    Grammar.bytes(from, first, first, second);
    Grammar.bytes(second, low, high, target);
  }

  private static void hexDigit(Node from, Node target) {
    Grammar.anyOf(from, "0123456789abcdefABCDEF", target);
  }

  private Rule makeInteger() {
    Rule rule = grammar.rule(false);
    whole(rule.start, rule.end);
    return rule;
  }

  private void whole(Node from, Node target) {
    Node sign = grammar.node();
    Grammar.empty(from, sign);
    Grammar.bytes(from, '-', '-', sign);
    Grammar.bytes(sign, '0', '0', target);
    Node digit = grammar.node();
    Grammar.bytes(sign, '1', '9', digit);
    digits(digit, MOST_DIGITS - 1, target);
  }

  /// Up to some more digits.
  private void digits(Node from, int most, Node target) {
    Node at = from;
    for (int i = 0; i < most; i++) {
      Grammar.empty(at, target);
      Node next = grammar.node();
      Grammar.bytes(at, '0', '9', next);
      at = next;
    }
    Grammar.empty(at, target);
  }

  private Rule makeNumber() {
    Rule rule = grammar.rule(false);
    Node afterWhole = grammar.node();
    Node afterFraction = grammar.node();
    whole(rule.start, afterWhole);
    Grammar.empty(afterWhole, afterFraction);
    Node point = grammar.node();
    Node fraction = grammar.node();
    Grammar.bytes(afterWhole, '.', '.', point);
    Grammar.bytes(point, '0', '9', fraction);
    digits(fraction, MOST_DIGITS - 1, afterFraction);
    Grammar.empty(afterFraction, rule.end);
    Node exponent = grammar.node();
    Node signed = grammar.node();
    Node digit = grammar.node();
    Grammar.anyOf(afterFraction, "eE", exponent);
    Grammar.empty(exponent, signed);
    Grammar.anyOf(exponent, "+-", signed);
    Grammar.bytes(signed, '0', '9', digit);
    digits(digit, 1, rule.end);
    return rule;
  }

  private void fillObject() {
    Node opened = grammar.node();
    Node key = grammar.node();
    Node colon = grammar.node();
    Node before = grammar.node();
    Node after = grammar.node();
    Node comma = grammar.node();
    Node last = grammar.node();
    Grammar.bytes(object.start, '{', '{', opened);
    Grammar.call(opened, space, key);
    Grammar.bytes(key, '}', '}', object.end);
    Node named = grammar.node();
    Grammar.call(key, string, named);
    Grammar.bytes(named, ':', ':', colon);
    Grammar.call(colon, space, before);
    Grammar.call(before, value, after);
    Grammar.bytes(after, ',', ',', comma);
    Node next = grammar.node();
    Grammar.call(comma, space, next);
    Grammar.call(next, string, named);
    Grammar.call(after, space, last);
    Grammar.bytes(last, '}', '}', object.end);
  }

  private void fillArray() {
    Node opened = grammar.node();
    Node first = grammar.node();
    Node after = grammar.node();
    Node comma = grammar.node();
    Node next = grammar.node();
    Node last = grammar.node();
    Grammar.bytes(array.start, '[', '[', opened);
    Grammar.call(opened, space, first);
    Grammar.bytes(first, ']', ']', array.end);
    Grammar.call(first, value, after);
    Grammar.bytes(after, ',', ',', comma);
    Grammar.call(comma, space, next);
    Grammar.call(next, value, after);
    Grammar.call(after, space, last);
    Grammar.bytes(last, ']', ']', array.end);
  }
}
