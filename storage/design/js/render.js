// Show, list, update and rewrite functions, with start, send and getRow.

let chunks = "";
let startResponse = {};
let startIsNew = false; // nobody was told yet what start said

// The rows of a list: those that have come, and how far the function has read.
// host(what, text) hands text out and brings the next rows, "" after the last.
let rowsBegun = false;
let rowsEnded = true;
let rows = [];
let nextRow = 0;

// How much of chunks stands before the row that the function is at. Once there is
// anything the header is settled.
let settled = 0;
let headerIsSettled = false;

function resetList(listing) {
  chunks = "";
  startResponse = {};
  startIsNew = false;
  rowsBegun = false;
  rowsEnded = !listing;
  rows = [];
  nextRow = 0;
  settled = 0;
  headerIsSettled = false;
}

function start(response) {
  startResponse = response || {};
  startIsNew = true;
}

const fullChunk = 65536;

function send(chunk) {
  chunks += chunk.toString();
  if (rowsBegun && chunks.length > fullChunk) handOut("chunk");
}

function handOut(what) {
  headerIsSettled ||= chunks !== "";
  const answer = host(what, chunks);
  chunks = "";
  settled = 0;
  return answer;
}

// Settles what was sent, with what start said of the header. Only the first header has
// the type of a form that was provided.
function settle() {
  if (!rowsBegun) host("start", stringify(withContentType(startResponse)));
  else if (startIsNew && !headerIsSettled) host("start", stringify(startResponse));
  rowsBegun = true;
  startIsNew = false;
  settled = chunks.length;
  headerIsSettled ||= chunks !== "";
}

function getRow() {
  if (rowsEnded) return null;
  settle();
  if (nextRow === rows.length) {
    const text = handOut("rows");
    rows = text === "" ? [] : parse(text);
    nextRow = 0;
  }
  if (rows.length === 0) {
    rowsEnded = true;
    return null;
  }
  return rows[nextRow++];
}

function withContentType(response) {
  response.headers = response.headers || {};
  if (contentType) response.headers["Content-Type"] = response.headers["Content-Type"] || contentType;
  return response;
}

function wrapped(response) {
  return typeof response === "string" ? { body: response } : response;
}

function isResponse(value) {
  return typeof value === "string" || (typeof value === "object" && value !== null && !isArray(value));
}

function show(fun, ddoc, args) {
  resetList(false);
  resetTypes();
  try {
    let response = wrapped(apply(fun, ddoc, args) || {});
    if (chunks !== "") {
      response.headers = response.headers || {};
      for (const name in startResponse) response.headers[name] = startResponse[name];
      response.body = chunks + (response.body || "");
      resetList(false);
    }
    if (providesUsed) {
      const chosen = wrapped(runProvides(args[1], ddoc) || {});
      response.body = (response.body || "") + chunks + (chosen.body || "");
      response = withContentType(response);
    }
    if (!isResponse(response)) throw ["error", "render_error", "undefined response from show function"];
    return json(response);
  } catch (error) {
    if (args[0] === null && args[1].path && args[1].path.length > 5) throw ["error", "not_found", "document not found"];
    renderError(error);
  }
}

function update(fun, ddoc, args) {
  resetList(false);
  try {
    if (args[1].method === "GET") throw ["error", "method_not_allowed", "Update functions do not allow GET"];
    const result = apply(fun, ddoc, args) || [];
    const doc = result[0];
    const response = result[1];
    if (!isResponse(response)) throw ["error", "render_error", "undefined response from update function"];
    return stringify([doc, wrapped(response)]);
  } catch (error) {
    renderError(error);
  }
}

function list(fun, ddoc, args) {
  resetList(true);
  resetTypes();
  try {
    let tail = apply(fun, ddoc, args);
    if (providesUsed) tail = runProvides(args[1], ddoc);
    if (typeof tail === "string") chunks += tail;
    settle();
    if (chunks !== "") handOut("chunk");
    return "";
  } catch (error) {
    if (rowsBegun && !rowsEnded) host("broken", headerIsSettled ? chunks.slice(0, settled) : "");
    renderError(error);
  } finally {
    resetList(false);
  }
}

// Without a result there is no rule for the request.
function rewrite(fun, ddoc, args) {
  try {
    const result = apply(fun, ddoc, args) || null;
    return json(typeof result === "string" ? { path: result } : result);
  } catch (error) {
    renderError(error);
  }
}

offer("start", start);
offer("send", send);
offer("getRow", getRow);
