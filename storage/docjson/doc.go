// Package docjson reads and prints the JSON of documents.
//
// A [Reader] reads a request body in one pass, without building values: a
// document becomes a [Parsed], whose body is the text that CouchDB 3.5 prints
// and, beside it, the Erlang external term from which [RevID] makes revision
// ids; the content of inline attachments goes to the blob store while it
// arrives. [AppendDocument] and [WriteDocument] print the other way.
//
// # The form of a body
//
// Members keep their order, and of members with one name the last one stays, at
// its place. Integers keep their digits (-0 becomes 0). Numbers with a fraction
// or an exponent are doubles and print their shortest form, as 0.000001, 1e-7,
// 1000.0 or 1e+21. Strings escape only quotes, backslashes and control
// characters. There is no white space.
//
// # What is refused
//
// Input is strict JSON in UTF-8. Unlike encoding/json, the Reader refuses
// invalid UTF-8 and unpaired surrogates, numbers beyond a double's range (CouchDB
// fails on such integers as well), numbers of more than 1,024 characters, and
// nesting deeper than [MaxDepth].
package docjson
