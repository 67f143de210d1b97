// Package metadata serves metadata replicas: under the prefix `/_metadata` the
// databases in their metadata view, which [settle/storage/metaview] makes, and on each
// database the options of that view.
package metadata
