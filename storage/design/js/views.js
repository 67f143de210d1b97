// Map and reduce. Rows leave as JSON texts, which hold no control character: the
// key, \u001f, the value, \u001f; \u001e ends the rows of a function.

let mapFunctions = [];
let documents = [];
let nextDocument = 0;

function json(value) {
  const text = stringify(value);
  return text === undefined ? "null" : text;
}

// The rows of one function; undefined where there is no room for them.
function mapOne(fun, doc, room) {
  let text = "";
  emitted = [];
  try {
    fun(doc);
    const rows = emitted;
    for (let i = 0; i < rows.length; i++) {
      text += json(rows[i]) + "\u001f";
      if (text.length > room) throw tooMuch;
    }
  } catch (error) {
    if (error === tooMuch) return undefined;
    viewError(error, doc);
    return "";
  }
  return text;
}

const tooMuch = bare(null);

// The rows of all functions; none where together they are too much.
function mapAll(doc, room) {
  let text = "";
  for (let i = 0; i < mapFunctions.length; i++) {
    const rows = mapOne(mapFunctions[i], doc, room - text.length);
    if (rows === undefined) {
      log("functions gave too much output for one document, which has no rows");
      text = "";
      for (let j = 0; j < mapFunctions.length; j++) text += "\u001e";
      return text;
    }
    text += rows + "\u001e";
  }
  return text;
}

// Maps documents until all are done, or time or output enough for one call.
function mapSome(milliseconds, room) {
  const end = now() + milliseconds;
  let text = "";
  while (nextDocument < documents.length) {
    const doc = documents[nextDocument];
    documents[nextDocument++] = null;
    if (freezes) freezeWhole(doc);
    text += mapAll(doc, room);
    if (text.length > 1048576 || now() >= end) break;
  }
  if (nextDocument >= documents.length) documents = [];
  return text;
}

let reduceSource = "";
let reduceFunction;

const smallestOverflow = 4096;

// The sizes are those of the lines of CouchDB's protocol, which the reason shows.
function reduce(keys, values, rereduce, lineLength) {
  let reduction;
  try {
    reduction = reduceFunction(keys, values, rereduce);
  } catch (error) {
    viewError(error);
    reduction = null;
  }
  const text = json(reduction);
  const output = text.length + 2;
  const input = lineLength + stringify(reduceSource).length - reduceSource.length;
  if (output > smallestOverflow && output * 2 > input) {
    throw ["error", "reduce_overflow_error", "Reduce output must shrink more rapidly: input size: " + input + " output size: " + output];
  }
  return text;
}

function reduceRows(text) {
  const rows = parse(text);
  const keys = [];
  const values = [];
  for (let i = 0; i < rows.length; i++) {
    keys[i] = rows[i][0];
    values[i] = rows[i][1];
  }
  return reduce(keys, values, false, text.length + '["reduce",[],]'.length);
}

function rereduceValues(text) {
  return reduce(null, parse(text), true, text.length + '["rereduce",[],]'.length);
}
