// Package storage keeps databases of documents: a Store of Databases on a
// transactional key-value engine, with bodies and attachments sealed under each
// database's own key.
//
// Each operation of a Database is one file. Package schema says where its
// rows are and what they hold, FORMAT.md of package crypt describes the encryption
// around it, and package check holds what is stored against both.
//
// What a write returned for is on disk, and only what is on disk is ever shown.
// A batch is applied document by document, each whole or not at all. Content is
// written before what refers to it and removed after it; what a crash leaves
// behind in between is swept when the store opens.
package storage
