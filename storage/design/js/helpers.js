// What CouchDB offers to design functions.

// A helper stays what it is: a function that assigns to its name would change it
// for the other functions of the design document.
function offer(name, value) {
  define(global, name, { value, writable: false, enumerable: true, configurable: true });
}

const longestLog = 64 * 1024;
let logged = "";

function log(message) {
  let text = typeof message === "string" ? message : stringify(message);
  text = String(text);
  if (logged.length + text.length > longestLog) text = text.slice(0, longestLog - logged.length);
  if (logged.length < longestLog) logged += (logged === "" ? "" : "\u001e") + text;
}

function takeLog() {
  const text = logged;
  logged = "";
  return text;
}

// What the running function has emitted: key, value, key, value. It inherits nothing and
// has a toJSON that is none, so that no function changes what text it becomes.
const emitted = define(inherit([], null), "toJSON", {});

function emit(key, value) {
  emitted[emitted.length] = key;
  emitted[emitted.length] = value;
}

function sum(values) {
  let total = 0;
  for (const i in values) total += values[i];
  return total;
}

offer("emit", emit);
offer("sum", sum);
offer("log", log);
offer("toJSON", stringify);
offer("isArray", (value) => isArray(value));
