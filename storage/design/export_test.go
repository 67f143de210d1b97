package design

import (
	"encoding/json"

	"modernc.org/quickjs"
)

// Plain reports whether a function of that source runs on documents that are not frozen.
func Plain(source string) (bool, error) {
	vm, err := quickjs.NewVM()
	if err != nil {
		return false, err
	}
	defer vm.Close()
	text, err := json.Marshal(source)
	if err != nil {
		return false, err
	}
	plain, err := vm.Eval("(function () {"+guardJS+freezeJS+"return isPlain("+string(text)+"); })()", quickjs.EvalGlobal)
	return plain == true, err
}
