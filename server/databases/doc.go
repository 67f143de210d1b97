// Package databases serves the endpoints of a database as a whole: making and
// dropping one, what it holds, its settings, its maintenance, and the lists
// `_all_docs`, `_design_docs` and `_local_docs`.
package databases
