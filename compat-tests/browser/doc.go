// Package browser runs a real Chromium, driven by playwright-core from npm,
// whose pages work with the real settle as an application's would: PouchDB from
// npm with its databases in IndexedDB, a page that comes from another origin,
// sessions by cookie, HTTP/2.
//
// Chromium is the one that SETTLE_CHROMIUM names, else "chromium" in PATH, which
// "make browser" installs on Debian. Without one the tests are skipped.
package browser
