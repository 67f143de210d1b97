// What the engine offers and design functions must not have, and guards around
// the built-in functions that can run for hours without asking whether their
// time is over: those over sparse arrays, and searches of one long text in another.

const apply = Reflect.apply;
const stringify = JSON.stringify;
const parse = JSON.parse;
const freeze = Object.freeze;
const isArray = Array.isArray;
const hasOwn = Object.hasOwn;
const bare = Object.create;
const define = Object.defineProperty;
const now = Date.now;
const inherit = Object.setPrototypeOf;
const evaluateGlobally = eval;
const global = globalThis;
const host = global.host;
delete global.host;

for (const name of ["SharedArrayBuffer", "Atomics", "WeakRef", "FinalizationRegistry"]) delete global[name];

// No runtime has the memory for a dense array of so many elements.
const longest = 1e7;

function guardArrays(names) {
  for (const name of names) {
    const native = Array.prototype[name];
    const guarded = {
      [name]() {
        if (this !== null && this !== undefined && this.length > longest) throw new RangeError("array is too long");
        return apply(native, this, arguments);
      },
    }[name];
    define(guarded, "length", { value: native.length });
    define(Array.prototype, name, { value: guarded, writable: true, enumerable: false, configurable: true });
  }
}

guardArrays([
  "concat", "copyWithin", "every", "fill", "filter", "find", "findIndex", "findLast", "findLastIndex", "flat", "flatMap",
  "forEach", "includes", "indexOf", "join", "lastIndexOf", "map", "reduce", "reduceRight", "reverse", "shift", "slice",
  "some", "sort", "splice", "toLocaleString", "toReversed", "toSorted", "toSpliced", "toString", "unshift", "with",
]);

const longestSearch = 1e9;

function guardStrings(names) {
  for (const name of names) {
    const native = String.prototype[name];
    const guarded = {
      [name](sought) {
        if (typeof this !== "string" || (typeof sought === "object" && sought !== null)) return apply(native, this, arguments);
        if (sought !== undefined && sought !== null && sought.length * this.length > longestSearch) throw new RangeError("text is too long to search");
        return apply(native, this, arguments);
      },
    }[name];
    define(guarded, "length", { value: native.length });
    define(String.prototype, name, { value: guarded, writable: true, enumerable: false, configurable: true });
  }
}

guardStrings(["includes", "indexOf", "lastIndexOf", "replaceAll", "split"]);
