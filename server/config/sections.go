package config

import "maps"

// tree holds values by section and key. It is never changed once it is shared:
// with and without return changed copies.
type tree[V any] map[string]map[string]V

// sections are values that count.
type sections = tree[string]

// changes are what was set while the server ran; nil stands for a value that was
// given from outside and then deleted.
type changes = tree[*string]

func (t tree[V]) with(id ID, value V) tree[V] {
	changed := maps.Clone(t)
	if changed == nil {
		changed = tree[V]{}
	}
	section := maps.Clone(t[id.Section])
	if section == nil {
		section = map[string]V{}
	}
	section[id.Key] = value
	changed[id.Section] = section
	return changed
}

func (t tree[V]) without(id ID) tree[V] {
	if _, ok := t[id.Section][id.Key]; !ok {
		return t
	}
	changed := maps.Clone(t)
	section := maps.Clone(t[id.Section])
	delete(section, id.Key)
	changed[id.Section] = section
	if len(section) == 0 {
		delete(changed, id.Section)
	}
	return changed
}

// has reports whether there is a value, be it nil.
func (t tree[V]) has(id ID) bool {
	_, ok := t[id.Section][id.Key]
	return ok
}

// merge returns what the sources give, the later over the earlier.
func merge(sources []Source) sections {
	given := sections{}
	for _, s := range sources {
		for id, value := range s.Values {
			given = given.with(id, value)
		}
	}
	return given
}

// changedBy returns what counts once changes are made.
func changedBy(given sections, saved changes) sections {
	live := given
	for name, section := range saved {
		for key, value := range section {
			id := ID{name, key}
			if value == nil {
				live = live.without(id)
			} else {
				live = live.with(id, *value)
			}
		}
	}
	return live
}
