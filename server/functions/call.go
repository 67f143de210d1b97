package functions

import (
	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/design"
)

// call is what a function is called with that sees a document, which the path names.
type call struct {
	design *design.Document
	rev    couch.RevID // of the design document
	doc    []byte      // JSON; nil where there is none
	req    []byte      // the request object, JSON
}

// callOf reads what a request calls a function of a kind with.
func (f *Functions) callOf(r *web.Request, kind string) (call, error) {
	var c call
	var err error
	if c.design, c.rev, err = f.designOf(r); err != nil {
		return c, err
	}
	if err := c.design.Has(kind, r.Param("name")); err != nil {
		return c, err
	}
	id := couch.DocID(r.Param("*"))
	if c.doc, err = document(r, id); err != nil {
		return c, err
	}
	body, err := readBody(r)
	if err != nil {
		return c, err
	}
	c.req, err = object{r: r, id: string(id), body: body}.append(nil)
	return c, err
}
