package functions

import (
	"errors"
	"io"
	"strconv"
	"time"

	"settle/server/web"
	"settle/storage/design"
	"settle/storage/docjson"
)

// patience is how long a client may take for a piece of what a list function writes,
// which holds one of the few workers that run functions.
const patience = time.Minute

// run runs a list function, whose answer goes out while it is made.
func (f *Functions) run(r *web.Request, d *design.Document, l design.Listing) error {
	a := listed{r: r, out: r.Impatient(patience)}
	l.Start = func(response design.Response) error {
		a.head = response
		return nil
	}
	l.Chunk = a.write
	if err := d.List(r.Context(), r.Param("name"), l); err != nil {
		return a.fail(err)
	}
	a.begin()
	return nil
}

// listed is the answer that a list function makes.
type listed struct {
	r     *web.Request
	out   io.Writer
	head  design.Response
	begun bool
}

func (a *listed) begin() {
	if a.begun {
		return
	}
	a.begun = true
	setHeader(a.r, a.head)
	a.r.Response.WriteHeader(a.head.Code)
}

func (a *listed) write(text string) error {
	a.begin()
	if !hasBody(a.head.Code) {
		return nil
	}
	_, err := io.WriteString(a.out, text)
	return err
}

// fail tells of an error. As in CouchDB one of the function that comes when the rows have
// begun is a line of the answer.
func (a *listed) fail(err error) error {
	_, thrown := errors.AsType[*design.Error](err)
	_, atRow := errors.AsType[*design.AtRowError](err)
	if !thrown || !a.begun && !atRow {
		return err
	}
	status, name, _ := web.Describe(err)
	if !a.begun {
		a.head = design.Response{Code: status, ContentType: "application/json"}
	}
	line := strconv.AppendInt([]byte("\n{\"code\":"), int64(status), 10)
	line = docjson.AppendString(append(line, `,"error":`...), name)
	line = web.AppendReason(append(line, `,"reason":`...), err)
	return a.write(string(line) + "}\n")
}
