package design

import (
	"encoding/json"

	"modernc.org/quickjs"
)

// Plain reports whether a function of that source runs on documents that are not frozen.
func Plain(source string) (bool, error) {
	plain, err := evalSource("isPlain", source)
	return plain == true, err
}

// Members returns the names of the members that documents have for the functions of a
// source, with commas between them, "-" where they have none; "" where they have all.
func Members(source string) (string, error) {
	names, err := evalSource("(source) => { const names = membersOf([source]); return names ? names.join() || '-' : ''; }", source)
	text, _ := names.(string)
	return text, err
}

// evalSource calls a function of the server with a source.
func evalSource(function, source string) (any, error) {
	vm, err := quickjs.NewVM()
	if err != nil {
		return nil, err
	}
	defer vm.Close()
	text, err := json.Marshal(source)
	if err != nil {
		return nil, err
	}
	return vm.Eval("(function () {"+guardJS+freezeJS+membersJS+"return ("+function+")("+string(text)+"); })()", quickjs.EvalGlobal)
}
