// Map and reduce. The rows of a function leave as a JSON array of their keys and values,
// which holds no control character, or as nothing where there are none; \u001e ends them.

let mapFunctions = [];
let isPart = false; // of a document are only the members that functions read
let documents = [];
let isLarge = false; // the documents are: each value may be
let nextDocument = 0;

function json(value) {
  const text = stringify(value);
  return text === undefined ? "null" : text;
}

// So many values are made text at once, which takes less time than one after the other,
// unless the documents are so large on average; whether there is room for more is asked
// in between.
const fewValues = 16;
const largeDocument = 262144;

const tooMuch = bare(null);

// The values that were emitted, in an array; "" where there are none.
function emittedText(room) {
  let text = "";
  for (let i = 0; i < emitted.length; i++) {
    text += (i === 0 ? "[" : ",") + json(emitted[i]);
    if (text.length > room) throw tooMuch;
  }
  return text === "" ? "" : text + "]";
}

// The rows of all functions; none where together they are too much. Calls are what takes
// the engine's time here: there is none that need not be.
function mapAll(doc, room) {
  let text = "";
  for (let i = 0; i < mapFunctions.length; i++) {
    const fun = mapFunctions[i];
    emitted.length = 0;
    try {
      fun(doc);
      const n = emitted.length;
      // With fewer arguments than it has parameters a built-in function is slower.
      if (n > 0) text += n > fewValues || isLarge ? emittedText(room - text.length) : stringify(emitted, undefined, undefined);
      if (text.length > room) throw tooMuch;
    } catch (error) {
      if (error === tooMuch) return noRows();
      viewError(error, doc);
    }
    text += "\u001e";
  }
  return text;
}

// The id of the document that is being mapped.
function idOf(doc) {
  return (isPart ? parse(host("document", "" + (nextDocument - 1))) : doc)._id;
}

function noRows() {
  log("functions gave too much output for one document, which has no rows");
  let text = "";
  for (let i = 0; i < mapFunctions.length; i++) text += "\u001e";
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
