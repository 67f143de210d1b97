package layers

import (
	"fmt"
	"slices"
	"strings"
)

// Imports lists the imports that the table does not allow, and packages that
// have no row in it. What a test imports must point up the table too, but not
// by its package's row, and tests may use any module that is not reserved.
func (t *Tree) Imports(table Table) []string {
	var wrong []string
	for _, f := range t.files {
		from, ok := table.room(f.dir)
		if !ok {
			wrong = append(wrong, fmt.Sprintf("%s: package %s has no row in the table of rooms", f.path, f.dir))
			continue
		}
		for _, imported := range f.imports {
			if why := t.forbids(table, from, f, imported); why != "" {
				wrong = append(wrong, fmt.Sprintf("%s: imports %s: %s", f.path, imported, why))
			}
		}
	}
	return wrong
}

// forbids says why the file, in the row from, may not import a package; "" if it may.
func (t *Tree) forbids(table Table, from int, f file, imported string) string {
	room := table.Rooms[from]
	dir, own := t.within(imported)
	if !own {
		return forbidsModule(table, room, f, imported)
	}
	to, ok := table.room(dir)
	switch {
	case !ok:
		return "it has no row in the table of rooms"
	case to == from, f.test && below(dir, room.Path): // a room's own test suite
		return ""
	case to > from:
		return fmt.Sprintf("%s stands below %s", table.Rooms[to].Path, room.Path)
	case f.test || room.AllAbove || slices.Contains(room.Rooms, table.Rooms[to].Path):
		return ""
	default:
		return fmt.Sprintf("%s may import %s only", room.Path, orNone(room.Rooms))
	}
}

func forbidsModule(table Table, room Room, f file, imported string) string {
	for module, owner := range table.Reserved {
		if below(imported, module) && room.Path != owner {
			return fmt.Sprintf("only %s may", owner)
		}
	}
	first, _, _ := strings.Cut(imported, "/")
	if f.test || !strings.Contains(first, ".") { // a dot makes it a host, hence another module
		return ""
	}
	for _, module := range room.Modules {
		if module == Any || below(imported, module) {
			return ""
		}
	}
	return fmt.Sprintf("of other modules %s may import %s only", room.Path, orNone(room.Modules))
}

// room is the row of a package: the one with the longest path that holds it.
func (table Table) room(dir string) (int, bool) {
	best := -1
	for i, r := range table.Rooms {
		if (dir == r.Path || below(dir, r.Path)) && (best < 0 || len(r.Path) > len(table.Rooms[best].Path)) {
			best = i
		}
	}
	return best, best >= 0 && (dir == table.Rooms[best].Path || !table.Rooms[best].Alone)
}

// below reports whether p is parent or a path under it.
func below(p, parent string) bool {
	return p == parent || strings.HasPrefix(p, parent+"/")
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
