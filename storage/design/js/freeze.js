// Documents are frozen before functions see them, so that no function sees
// another's changes, and so that one which tries to sort a document's array fails,
// as in CouchDB. Freezing takes as long as parsing, so it is left out where all
// functions are plain: where nothing in their sources could change a document.

// The methods that plain functions may call: none changes what it is called on.
const harmless = new Set([
  "abs", "at", "ceil", "charAt", "charCodeAt", "codePointAt", "endsWith", "entries", "every", "exec", "filter", "find",
  "findIndex", "flat", "floor", "forEach", "getDate", "getDay", "getFullYear", "getHours", "getMinutes", "getMonth",
  "getSeconds", "getTime", "getUTCDate", "getUTCDay", "getUTCFullYear", "getUTCHours", "getUTCMinutes", "getUTCMonth",
  "getUTCSeconds", "hasOwnProperty", "includes", "indexOf", "isArray", "join", "keys", "lastIndexOf", "localeCompare",
  "log", "map", "match", "max", "min", "normalize", "padEnd", "padStart", "pow", "reduce", "repeat", "replace", "replaceAll",
  "round", "search", "slice", "some", "split", "sqrt", "startsWith", "stringify", "substr", "substring", "test", "toFixed",
  "toISOString", "toJSON", "toLocaleLowerCase", "toLocaleUpperCase", "toLowerCase", "toString", "toUpperCase", "trim",
  "trimEnd", "trimStart", "trunc", "values",
]);

// What is in no plain function. Templates, escapes, and comments that could not be
// told from the rest are here because they could hide it.
const suspicious = [
  /[`\\]|\/\*|\/\/|\?\.\s*[([]|[\])]\s*\(/,
  /\b(this|arguments|eval|Function|Object|Array|Reflect|Proxy|globalThis|require|constructor|prototype|__\w*)\b/,
  /\b(class|super|new|delete|with|yield|async|await|import|get|set|static|extends|call|apply|bind)\b/,
  /\b(sort|reverse|push|pop|shift|unshift|splice|fill|copyWithin|add|clear)\b/,
  /(^|[^\w$\s])\s*(\+\+|--)\s*(?![A-Za-z_$][\w$]*\s*[;)])/, // ++x is plain at the end of a statement
  /[\].]\s*[\w$]*\s*(\+\+|--)/,
  /(\+\+|--)\s*[A-Za-z_$][\w$]*\s*[?.[]/,
];

// What a source is made of as far as its comments are concerned: strings, comments,
// text without either, and single characters of which one cannot say.
const pieces = /"[^"\\\n\r\u2028\u2029]*"|'[^'\\\n\r\u2028\u2029]*'|\/\/[^\n\r\u2028\u2029]*|\/\*[^]*?\*\/|[^"'\/\\`]+|[^]/g;

// The source without its comments, and, unless they are kept, without what its strings
// say; undefined where a pattern, a template, or an older kind of comment could be taken
// for one or hide one.
function stripped(source, keepsStrings) {
  if (/<!--|-->|#!/.test(source)) return undefined;
  let text = "";
  for (const [piece] of source.matchAll(pieces)) {
    if (/^["'\/\\`]$/.test(piece)) return undefined;
    if (/^\/[\/*]/.test(piece)) text += "\n";
    else text += !keepsStrings && /^["']/.test(piece) ? '""' : piece;
  }
  return text;
}

// With no two spaces side by side the patterns that sources are looked at with take no
// longer than reading does.
function narrowed(text) {
  return text.replace(/\s+/g, " ");
}

function isPlain(source) {
  const text = narrowed(stripped(source, true) ?? source)
    .replace(/\bnew\s+Date\b/g, "")
    .replace(/\b(Array\s*\.\s*isArray|Object\s*\.\s*(keys|values|entries))\b/g, "harmless");
  for (const pattern of suspicious) if (pattern.test(text)) return false;
  for (const [, name] of text.matchAll(/\.\s*([\w$]+)\s*\(/g)) if (!harmless.has(name)) return false;
  return assignsPlainly(text) && loopsPlainly(text);
}

// Values go to variables only: before every "=" stands a name, and no "." before it.
function assignsPlainly(text) {
  const assignments = text.replace(/<<=|>>>?=/g, "=").replace(/===|!==|==|!=|<=|>=|=>/g, "~");
  for (const match of assignments.matchAll(/=/g)) {
    const before = assignments.slice(Math.max(0, match.index - 200), match.index);
    if (!/(^|[^\w$.\s])\s*((var|let|const)\s+)?[A-Za-z_$][\w$]*\s*(\*\*|<<|>>>?|&&|\|\||\?\?|[-+*\/%&|^])?$/.test(before)) return false;
  }
  return true;
}

function loopsPlainly(text) {
  for (const match of text.matchAll(/\bfor\s*\(/g)) {
    const head = text.slice(match.index + match[0].length);
    if (!/^\s*(;|((var|let|const)\s+)?[A-Za-z_$][\w$]*\s*(=|,|;|(in|of)\b))/.test(head)) return false;
  }
  return true;
}

let freezes = false;

// Freezes a document whole. It does not recurse: a document may nest deeper than
// the stack.
function freezeWhole(value) {
  const left = [value];
  for (let n = 1; n > 0; ) {
    const object = left[--n];
    freeze(object);
    if (isArray(object)) {
      for (let i = 0; i < object.length; i++) {
        const item = object[i];
        if (typeof item === "object" && item !== null) left[n++] = item;
      }
    } else {
      for (const name in object) {
        const item = object[name];
        if (typeof item === "object" && item !== null) left[n++] = item;
      }
    }
  }
}
