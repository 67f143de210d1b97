// Package metadata runs unmodified PouchDB and nano against the metadata view of
// databases. Its scripts stand beside it; they use the packages, and the helpers, of
// [settle/compat-tests/clients].
package metadata
