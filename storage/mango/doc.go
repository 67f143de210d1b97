// Package mango holds CouchDB's selectors, the conditions on documents of `_find`,
// of partial indexes, of `_changes?filter=_selector` and of replications.
//
// [Parse] reads a selector once; [Selector.Match] then asks it about documents,
// on their JSON text, without building values. What it decides is what CouchDB
// 3.5's mango_selector decides, also where that is surprising:
//
//   - A condition on a field that is missing does not hold, whatever it is, but
//     for `$exists: false`. Nor does that where the path to the field leads into
//     something else than an object: an array without such an element, a number.
//   - `$not` and `$nor` are pushed down to the operators, so that `$not` on a field
//     that is missing does not hold either. They are not in the arguments of
//     `$elemMatch`, `$allMatch` and `$keyMapMatch`: there `$not` inverts what it
//     stands for, and reaching a `$nor` makes the whole operator not hold.
//   - Empty lists: `$and`, `$or`, `$nor` and `$nin` hold, `$in` and `$all` do not.
//   - Values compare by collation (package collate), those of the field `_id` by
//     Erlang's order of terms; the elements of `$all` must be identical, so that 1
//     is not 1.0.
//   - `$text` holds always: it is for a search index to decide.
//   - `$regex` takes what package pattern takes.
package mango
