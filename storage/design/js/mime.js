// provides and registerType: which form of an answer the request asks for.

let typesByKey;
let keysByType;
let provided = [];
let providesUsed = false;
let contentType = null;

function registerType(key, ...types) {
  typesByKey[key] = types;
  for (const type of types) keysByType[type] = key;
}

function provides(key, fun) {
  providesUsed = true;
  provided.push([key, fun]);
}

function resetTypes() {
  provided = [];
  providesUsed = false;
  contentType = null;
  typesByKey = bare(null);
  keysByType = bare(null);
  registerType("all", "*/*");
  registerType("text", "text/plain; charset=utf-8", "txt");
  registerType("html", "text/html; charset=utf-8");
  registerType("xhtml", "application/xhtml+xml", "xhtml");
  registerType("xml", "application/xml", "text/xml", "application/x-xml");
  registerType("js", "text/javascript", "application/javascript", "application/x-javascript");
  registerType("css", "text/css");
  registerType("ics", "text/calendar");
  registerType("csv", "text/csv");
  registerType("rss", "application/rss+xml");
  registerType("atom", "application/atom+xml");
  registerType("yaml", "application/x-yaml", "text/yaml");
  registerType("multipart_form", "multipart/form-data");
  registerType("url_encoded_form", "application/x-www-form-urlencoded");
  registerType("json", "application/json", "text/x-json");
}

// Chooses among the provided forms and returns what its function returns.
function runProvides(req, ddoc) {
  const accept = req.headers && req.headers["Accept"];
  let key = null;
  if (req.query && req.query.format) {
    key = req.query.format;
    contentType = typesByKey[key][0];
  } else if (accept) {
    let supported = [];
    provided.reverse();
    for (const [name] of provided) if (typesByKey[name]) supported = supported.concat(typesByKey[name]);
    contentType = bestMatch(supported, accept);
    key = keysByType[contentType];
  } else {
    key = provided[0][0];
    contentType = typesByKey[key][0];
  }
  for (const [name, fun] of provided) if (name === key) return apply(fun, ddoc, []);
  const types = provided.map(([name]) => (typesByKey[name] || []).join(", ") || name);
  throw ["error", "not_acceptable", "Content-Type " + (accept || key) + " not supported, try one of: " + types.join(", ")];
}

// A media range: type, subtype, its parameters.
function mediaRange(text) {
  const parts = text.split(";");
  const params = bare(null);
  for (const part of parts) {
    const [name, value, more] = part.split("=");
    if (value !== undefined && more === undefined) params[name.trim()] = value.trim();
  }
  const q = parseFloat(params.q);
  params.q = q >= 0 && q <= 1 ? q : 1;
  const full = parts[0].trim();
  const [type, subtype] = (full === "*" ? "*/*" : full).split("/");
  return { type, subtype, params };
}

// How well a type fits one range: 0 or more, -1 where it does not.
function fitness(target, range) {
  const fits = (a, b) => a === b || a === "*" || b === "*";
  if (!fits(range.type, target.type) || !fits(range.subtype, target.subtype)) return -1;
  let n = (range.type === target.type ? 100 : 0) + (range.subtype === target.subtype ? 10 : 0);
  for (const name in target.params) if (name !== "q" && range.params[name] === target.params[name]) n++;
  return n;
}

// The supported type that fits the header best: by fitness, then by quality, then by
// place; "" where none fits, or with quality 0. The order is that of mimeparse, which
// compares places as texts: the tenth stands before the second.
function bestMatch(supported, header) {
  const ranges = header.split(",").map(mediaRange);
  let best = { fit: -1, q: 0, at: "", type: "" };
  for (let i = 0; i < supported.length; i++) {
    const at = String(i);
    const type = supported[i];
    const target = mediaRange(type);
    let fit = -1;
    let q = 0;
    for (const range of ranges) {
      const n = fitness(target, range);
      if (n > fit) {
        fit = n;
        q = range.params.q;
      }
    }
    if (fit > best.fit || (fit === best.fit && (q > best.q || (q === best.q && at > best.at)))) best = { fit, q, at, type };
  }
  return best.q > 0 ? best.type : "";
}

resetTypes();
offer("registerType", registerType);
offer("provides", provides);
