// Package viewparams reads the parameters of views and of lists of documents, which
// come in the query, in the body, or in both.
package viewparams
