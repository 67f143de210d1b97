// Most of the time that a document takes goes to making it of its text, and most
// functions read a few of its members. Members that no function of a runtime can read
// are left out of its documents, where that can be seen in plain sources.

// A source that begins with the function that it is, up to its body.
const onlyFunction = /^\s*\(?\s*(function\b\s*[\w$]*\s*\(\s*([A-Za-z_$][\w$]*)\s*\)|(\(\s*)?([A-Za-z_$][\w$]*)\s*\)?\s*=>)\s*\{/;

// Where the body ends that begins at a place; -1 where it does not.
function bodyEnd(text, at) {
  for (let depth = 1; at < text.length; at++) {
    if (text[at] === "{") depth++;
    else if (text[at] === "}" && --depth === 0) return at;
  }
  return -1;
}

// A member of what stands before, which is not called.
const memberBehind = /\s*\??\.\s*([A-Za-z_$][\w$]*)(?!\s*(\?\.\s*)?\(|[\w$])/y;

// What a function that is plain does to its document is to read members: wherever the
// body has the parameter's name, a member's follows. undefined where it may do more.
function membersRead(source) {
  const code = stripped(source, false);
  if (!isPlain(source) || code === undefined || /[^\x00-\x7f]|\.\.\./.test(code)) return undefined;
  const text = narrowed(code);
  const head = onlyFunction.exec(text);
  if (head === null) return undefined;
  const end = bodyEnd(text, head[0].length);
  if (end < 0 || !/^\s*\)?\s*;?\s*$/.test(text.slice(end + 1))) return undefined;
  const body = text.slice(head[0].length, end);
  const names = [];
  for (const word of body.matchAll(/[A-Za-z_$][\w$]*/g)) {
    if (word[0] !== (head[2] || head[4])) continue;
    memberBehind.lastIndex = word.index + word[0].length;
    const member = memberBehind.exec(body);
    if (member === null) return undefined;
    names[names.length] = member[1];
  }
  return names;
}

const mostMembers = 32;

// The names of the members that the functions of the sources read; undefined where one
// of them may see all.
function membersOf(sources) {
  const names = new Set();
  for (const source of sources) {
    const read = membersRead(source);
    if (read === undefined) return undefined;
    for (const name of read) names.add(name);
  }
  return names.size > mostMembers ? undefined : [...names];
}
