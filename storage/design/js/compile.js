// Compiling functions and modules. CouchDB's engine takes a function without a
// name for a statement whose value is that function; here a "0," before it makes
// it an expression, wherever the parser stumbles over one.

const anonymous = /function(\s|\/\*[^]*?\*\/|\/\/.*\n)*\*?(\s|\/\*[^]*?\*\/|\/\/.*\n)*$/;

function offsetOf(source, line, column) {
  let at = 0;
  for (let n = 1; n < line; n++) {
    at = source.indexOf("\n", at) + 1;
    if (at === 0) return -1;
  }
  return at + column - 1;
}

function withExpression(source, error) {
  const at = offsetOf(source, error.lineNumber, error.columnNumber);
  const before = anonymous.exec(source.slice(0, at));
  if (before === null) return undefined;
  return source.slice(0, before.index) + "0," + source.slice(before.index);
}

function evaluate(source) {
  for (let tries = 0; ; tries++) {
    try {
      return evaluateGlobally(source);
    } catch (error) {
      if (!(error instanceof SyntaxError) || tries === 16) throw error;
      let next;
      if (error.message === "function name expected") next = withExpression(source, error);
      // Another function of the design document has declared the same name.
      else if (/^redeclaration|redefin/.test(error.message) && source[0] !== "{") next = "{" + source + "\n}";
      if (next === undefined) throw error;
      source = next;
    }
  }
}

function compile(source) {
  if (!source) throw ["error", "not_found", "missing function"];
  let value;
  try {
    value = evaluate(String(source));
    if (typeof value !== "function") value = declared(source);
  } catch (error) {
    throw ["error", "compilation_error", describe(error) + " (" + source + ")"];
  }
  if (typeof value !== "function") {
    throw ["error", "compilation_error", "Expression does not eval to a function. (" + source + ")"];
  }
  return value;
}

// A function that has a name is a declaration, which has no value.
function declared(source) {
  if (!/^\s*(async\s+)?(function|class)\b/.test(source)) return undefined;
  try {
    return evaluateGlobally("(" + source + "\n)");
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function describe(error) {
  try {
    return String(error);
  } catch (_) {
    return "exception";
  }
}

// A place in the design document: `current` is the value there, `parent` the
// place around it, `id` its path.
function resolve(names, place, root) {
  while (names.length > 0) {
    const name = names[0];
    names = names.slice(1);
    if (name === "..") {
      if (!place || !place.parent || !place.parent.parent) throw noParent(place);
      const up = place.parent;
      place = { id: place.id.slice(0, place.id.lastIndexOf("/")), parent: up.parent, current: up.current };
      root = undefined;
    } else if (name === ".") {
      if (!place || !place.parent) throw noParent(place);
      root = undefined;
    } else {
      if (root !== undefined) place = { current: root };
      root = undefined;
      place = { current: member(place.current, name), parent: place, id: place.id ? place.id + "/" + name : name };
    }
  }
  if (!place || typeof place.current !== "string") {
    throw ["error", "invalid_require_path", "Must require a JavaScript string, not: " + typeof (place && place.current)];
  }
  return { current: place.current, parent: place.parent, id: place.id, exports: {} };
}

function member(current, name) {
  if (current !== null && typeof current === "object" && hasOwn(current, name)) return current[name];
  throw ["error", "invalid_require_path", 'Object has no property "' + name + '". ' + stringify(current)];
}

function noParent(place) {
  return ["error", "invalid_require_path", "Object has no parent " + stringify(place && place.current)];
}

// Installs `require`, which finds modules in root and runs each once.
function provideRequire(root) {
  const loaded = bare(null);
  function load(name, from) {
    const module = resolve(String(name).split("/"), from && from.parent, root);
    if (module.id in loaded) return loaded[module.id].exports;
    loaded[module.id] = module; // before it runs: modules may require each other
    try {
      const body = evaluate("(function (module, exports, require) { " + module.current + "\n})");
      apply(body, global, [module, module.exports, (next) => load(next, module)]);
    } catch (error) {
      delete loaded[module.id];
      if (isInternal(error)) throw error;
      throw ["error", "compilation_error", "Module require('" + name + "') raised error " + describe(error)];
    }
    return module.exports;
  }
  offer("require", (name) => load(name));
}
