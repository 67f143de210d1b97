package peruser

// The changes of security objects.
var (
	WithUser    = withUser
	WithoutUser = withoutUser
)
