package docjson

import "settle/storage/couch"

// AppendUserCtx appends who uses a database as functions see it:
// {"db":..,"name":..,"roles":[..]}, the name of nobody being null.
func AppendUserCtx(dst []byte, db string, user couch.UserCtx) []byte {
	dst = AppendString(append(dst, `{"db":`...), db)
	dst = append(dst, `,"name":`...)
	if user.Name == "" {
		dst = append(dst, "null"...)
	} else {
		dst = AppendString(dst, user.Name)
	}
	dst = append(dst, `,"roles":[`...)
	for i, role := range user.Roles {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(dst, role)
	}
	return append(dst, "]}"...)
}
