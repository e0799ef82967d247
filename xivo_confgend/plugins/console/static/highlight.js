// One line of a configuration file as pieces [text, class]: Asterisk's grammar, or YAML's. Classes are in views.css.

const SECTION = /^(\[[^\]]*\])(\s*\([^)]*\))?(.*)$/;
const OPTION = /^([^=;[\]]+?)(\s*(?:\+?=>?)\s*)(.*)$/;
const EXTENSION = /^([^,]*,)?(\s*(?:\d+|n|hint)(?:[+-]\d+)?(?:\([^)]*\))?\s*,)(\s*[A-Za-z]\w*)(\(.*)$/;
const COMMENT = /^(.*?)((?<!\\);.*)$/;
const KEY = /^(\s*(?:-\s+)*)([^\s:#][^:#]*)(:)(\s.*|)$/;
// What stands out in a value: variables and expressions, and what the daemon has masked.
const STANDS_OUT = /(\$\{[^{}]*\}|\$\[[^\]]*\]|\*{8})/;
const MASKED = "********";

export function pieces(line, yaml) {
  return yaml ? yamlPieces(line) : asteriskPieces(line);
}

function asteriskPieces(line) {
  if (/^\s*;/.test(line)) return [[line, "c"]];
  if (/^\s*#(?:include|tryinclude|exec)\b/.test(line)) return [[line, "d"]];
  const section = SECTION.exec(line);
  if (section) return [[section[1], "s"], [section[2] ?? "", "d"], [section[3], "c"]];
  const [, code, comment] = COMMENT.exec(line) ?? [line, line, ""];
  const option = OPTION.exec(code);
  if (!option) return [[code, ""], [comment, "c"]];
  const call = /^\s*(?:exten|same)$/.test(option[1]) && EXTENSION.exec(option[3]);
  const value = call
    ? [[call[1] ?? "", "v"], [call[2], ""], [call[3], "k"], ...valuePieces(call[4])]
    : valuePieces(option[3]);
  return [[option[1], "n"], [option[2], "o"], ...value, [comment, "c"]];
}

function yamlPieces(line) {
  if (/^\s*#/.test(line)) return [[line, "c"]];
  const key = KEY.exec(line);
  return key ? [[key[1], "o"], [key[2], "n"], [key[3], "o"], ...valuePieces(key[4])] : valuePieces(line);
}

const valuePieces = (value) => value.split(STANDS_OUT).map((piece, at) => [piece, at % 2 ? (piece === MASKED ? "m" : "v") : ""]);

// The same pieces, cut where `pattern` matches the line; what is found gets a third element.
export function marked(line, cut, pattern) {
  const borders = [...line.matchAll(pattern)].map((match) => [match.index, match.index + match[0].length]);
  if (!borders.length) return cut;
  const found = [];
  let at = 0;
  for (const [text, kind] of cut) {
    for (let from = 0; from < text.length;) {
      const here = at + from;
      const inside = borders.find(([first, end]) => first <= here && here < end);
      const next = inside ? inside[1] : borders.find(([first]) => first > here)?.[0] ?? Infinity;
      const until = Math.min(text.length, next - at);
      found.push([text.slice(from, until), kind, Boolean(inside)]);
      from = until;
    }
    at += text.length;
  }
  return found;
}
