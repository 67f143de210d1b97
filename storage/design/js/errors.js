// Errors travel as CouchDB's query server has them: ["error", name, reason], or
// ["fatal", name, reason] where the runtime is not to be used again.

const Internal = InternalError;

// The engine's own: no memory, no stack. Without memory for the error itself it
// throws null.
function isInternal(error) {
  return error === null || error instanceof Internal;
}

// An error of a map or reduce function concerns one document or one reduction:
// it is logged, unless the function or the engine says that it is more.
function viewError(error, doc) {
  if (error === "fatal_error") throw ["error", "map_runtime_error", "function raised 'fatal_error'"];
  if (isInternal(error)) throw error;
  if (isArray(error) && error[0] === "fatal") throw error;
  log("function raised exception " + describe(error) + (doc ? " with doc._id " + idOf(doc) : ""));
}

function renderError(error) {
  if (isInternal(error)) throw error;
  if (error !== undefined && ((error.error && error.reason) || error[0] === "error" || error[0] === "fatal")) throw error;
  const message = "function raised error: " + describe(error) + " \nstacktrace: " + (error === undefined ? error : error.stack);
  log(message);
  throw ["error", "render_error", message];
}

function asError(error) {
  if (error === null) return ["fatal", "internal_error", null];
  if (error === undefined) return ["error", "unnamed_error", null];
  if (isInternal(error)) return ["fatal", "InternalError", error.message];
  if (error[0] === "fatal" || error[0] === "error") return [error[0], String(error[1]), error[2]];
  if (error.error && error.reason) return ["error", String(error.error), error.reason];
  if (error.name) return ["error", String(error.name), error.message];
  return ["error", "unnamed_error", describe(error)];
}
