// The commands. Each takes texts and returns a text: "+" before a result, "-"
// before an error, and behind it \u001d and what was logged meanwhile, if anything.

let design = {};

// The function at a path of the design document, compiled once.
const compiled = bare(null);

function functionAt(path) {
  const id = path.join("\u0000");
  if (id in compiled) return compiled[id];
  let value = design;
  for (const name of path) {
    if (value === null || typeof value !== "object" || !hasOwn(value, name)) {
      throw ["error", "not_found", "missing " + path[0] + " function " + path[path.length - 1]];
    }
    value = value[name];
  }
  return (compiled[id] = compile(value));
}

// Functions are not shown what the client proves who it is with.
function scrubbed(req) {
  if (req.cookie) delete req.cookie.AuthSession;
  for (const name in req.headers) {
    if (/^(authorization|cookie)$/i.test(name)) delete req.headers[name];
  }
  return req;
}

function filter(fun, docs, req) {
  let text = "";
  for (const doc of docs) text += apply(fun, design, [doc, req]) ? "1" : "0";
  return text;
}

function filterByView(fun, docs) {
  let text = "";
  for (const doc of docs) {
    emitted.length = 0;
    fun(doc);
    text += emitted.length > 0 ? "1" : "0";
  }
  return text;
}

// What the function threw, as JSON, or "" where it accepts the document.
function validate(fun, args) {
  try {
    apply(fun, design, args);
    return "";
  } catch (error) {
    if (isInternal(error) || isError(error)) throw error;
    return json(error);
  }
}

// Errors, and errors of helpers, are no refusals.
function isError(error) {
  return error && ((error.name && error.stack) || (isArray(error) && (error[0] === "error" || error[0] === "fatal")));
}

const commands = {
  __proto__: null,
  maps(lib, sources) {
    provideRequire({ views: { lib: parse(lib) } });
    const texts = parse(sources);
    const members = membersOf(texts);
    for (const source of texts) {
      mapFunctions[mapFunctions.length] = compile(source);
      if (!isPlain(source)) freezes = true;
    }
    isPart = members !== undefined;
    return isPart ? stringify(members) : "";
  },
  reducer(source) {
    reduceSource = source;
    reduceFunction = compile(source);
    return "";
  },
  design(text) {
    design = parse(text);
    provideRequire(design);
    return "";
  },
  documents(text) {
    documents = parse(text);
    isLarge = text.length > largeDocument * documents.length;
    nextDocument = 0;
    return "";
  },
  map: (milliseconds, room) => mapSome(+milliseconds, +room),
  reduce: reduceRows,
  rereduce: rereduceValues,
  filter: (path, docs, req) => filter(functionAt(parse(path)), parse(docs), scrubbed(parse(req))),
  view: (path, docs) => filterByView(functionAt(parse(path)), parse(docs)),
  validate: (args) => validate(functionAt(["validate_doc_update"]), parse(args)),
  show: (path, doc, req) => show(functionAt(parse(path)), design, [parse(doc), scrubbed(parse(req))]),
  update: (path, doc, req) => update(functionAt(parse(path)), design, [parse(doc), scrubbed(parse(req))]),
  list: (path, head, req) => list(functionAt(parse(path)), design, [parse(head), scrubbed(parse(req))]),
  rewrite: (req) => rewrite(functionAt(["rewrites"]), design, [scrubbed(parse(req))]),
};

function answer(name, args) {
  try {
    return "+" + apply(commands[name], undefined, args);
  } catch (error) {
    let failure;
    try {
      failure = stringify(asError(error));
    } catch (_) {
      failure = '["fatal","unnamed_error","exception"]';
    }
    return "-" + failure;
  }
}

return function dispatch(name, ...args) {
  const text = answer(name, args);
  emitted.length = 0;
  const messages = takeLog();
  return messages === "" ? text : text + "\u001d" + messages;
};
